using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes;

/// <summary>Signals that are sent, and whether they arrived. The numbers are the same on Linux and macOS.</summary>
internal static class Signals
{
    public const int Kill = 9;
    public const int Terminate = 15;

    private const int NotPermitted = 1;

    /// <summary>Every signal below 32 except SIGKILL and SIGSTOP, as the first bytes of a <c>sigset_t</c>: bit n-1 is signal n on both systems.</summary>
    public static uint AllThatCanBeReset { get; } = ~(Bit(Kill) | Bit(OperatingSystem.IsMacOS() ? 17 : 19)) & 0x7FFF_FFFF;

    /// <summary>Sends a signal to one process.</summary>
    /// <returns>False if this user may not.</returns>
    public static bool Send(int pid, int signal)
    {
        // 0, -1 and below mean "my group", "everyone" and "that group": a wrong number here would end the gateway, or the machine.
        ArgumentOutOfRangeException.ThrowIfLessThan(pid, 2);
        return LibC.kill(pid, signal) == 0 || Marshal.GetLastPInvokeError() != NotPermitted;
    }

    /// <summary>Sends a signal to every process of a group. A group that is gone is no error.</summary>
    public static void SendToGroup(int group, int signal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(group, 2);
        _ = LibC.kill(-group, signal);
    }

    private static uint Bit(int signal) => 1u << (signal - 1);
}
