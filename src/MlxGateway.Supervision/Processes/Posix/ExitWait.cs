using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes;

/// <summary>
/// Learns of the death of a child in two steps. First its death is seen and it is left a zombie: while it is one, its process id, and so the
/// id of its group, cannot be given to an innocent process, and signals are safe. Only <see cref="Reap"/> lets go of the number.
/// </summary>
/// <remarks>Always for one process id, never for any child: the runtime, and others in this process, wait for their own.</remarks>
internal static unsafe class ExitWait
{
    private const int OneProcess = 1;
    private const int Exited = 4;
    private const int NoHang = 1;
    private const int Interrupted = 4;
    private const int OpenProcessDescriptor = 434; // pidfd_open, the same number on every architecture
    private const int Readable = 1;

    private static readonly int LeaveZombie = OperatingSystem.IsMacOS() ? 0x20 : 0x0100_0000;

    /// <summary>Completes when the child is dead, as a zombie. A thread of its own waits: children are few, and this needs no signal handler.</summary>
    public static Task DeathOf(int pid)
    {
        var death = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => Wait(pid, death), maxStackSize: 256 * 1024) { IsBackground = true, Name = $"child {pid}" };
        thread.Start();
        return death.Task;
    }

    /// <summary>Completes when a process that need not be our child has ended; null: the system does not tell (macOS, Linux before 5.3).</summary>
    public static Task? EndOf(int pid)
    {
        var descriptor = OperatingSystem.IsLinux() ? (int)LibC.syscall(OpenProcessDescriptor, pid, 0) : -1;
        if (descriptor < 0)
        {
            return null;
        }

        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() => Watch(descriptor, end), maxStackSize: 256 * 1024) { IsBackground = true, Name = $"adopted {pid}" };
        thread.Start();
        return end.Task;
    }

    /// <summary>Takes the exit of a dead child and gives its process id back to the system.</summary>
    public static ChildExit Reap(int pid)
    {
        var status = 0;
        int result;
        do
        {
            result = LibC.waitpid(pid, &status, 0);
        }
        while (result < 0 && Marshal.GetLastPInvokeError() == Interrupted);

        // Refused where SIGCHLD is ignored: the system then reaps by itself and the exit code is lost.
        return result == pid ? Decode(status) : new ChildExit(null, null);
    }

    /// <summary>Reaps a zombie that was adopted, if it is one.</summary>
    public static void ReapAdopted(int pid)
    {
        int status;
        _ = LibC.waitpid(pid, &status, NoHang);
    }

    internal static ChildExit Decode(int status) => (status & 0x7F) is var signal and not 0 ? new ChildExit(null, signal) : new ChildExit((status >> 8) & 0xFF, null);

    private static void Watch(int descriptor, TaskCompletionSource end)
    {
        var wanted = stackalloc int[] { descriptor, Readable }; // little-endian: what to wait for is in the lower half
        while (LibC.poll(wanted, 1, -1) < 0 && Marshal.GetLastPInvokeError() == Interrupted)
        {
        }

        _ = LibC.close(descriptor);
        end.SetResult();
    }

    private static void Wait(int pid, TaskCompletionSource death)
    {
        var information = stackalloc byte[128];
        while (LibC.waitid(OneProcess, (uint)pid, information, Exited | LeaveZombie) != 0 && Marshal.GetLastPInvokeError() == Interrupted)
        {
        }

        death.SetResult();
    }
}
