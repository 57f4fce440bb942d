using System.Runtime.InteropServices;

namespace MlxGateway.Tests.Support;

/// <summary>What becomes of SIGINT in this process. Behind <c>nohup</c> or in the background of a script it is ignored, and whoever is started from here would ignore it too.</summary>
internal static class InterruptSignal
{
    private const int Number = 2;
    private const nint Default = 0;
    private const nint Ignored = 1;

    private static readonly Lock Gate = new();

    /// <summary>Starts something that hears SIGINT, whatever this process does with it.</summary>
    public static void Heard(Action start)
    {
        lock (Gate)
        {
            if (!IsIgnored())
            {
                start();
                return;
            }

            Set(Number, Default);
            try
            {
                start();
            }
            finally
            {
                Set(Number, Ignored);
            }
        }
    }

    // The handler is the first word of it, on Linux as on macOS; the rest is as long as it likes.
    private static bool IsIgnored()
    {
        var action = new nint[64];
        return Ask(Number, 0, action) == 0 && action[0] == Ignored;
    }

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Set(int signal, nint handler);

    [DllImport("libc", EntryPoint = "sigaction")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Ask(int signal, nint action, [Out] nint[] old);
}
