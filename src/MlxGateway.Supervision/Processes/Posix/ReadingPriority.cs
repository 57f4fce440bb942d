using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes.Posix;

/// <summary>Puts the reading of one thread behind everybody else's.</summary>
internal static partial class ReadingPriority
{
    // linux/ioprio.h: IOPRIO_WHO_PROCESS with 0 is the calling thread; the idle class (3) reads when nobody else does, and its level means nothing.
    private const int WhoProcess = 1;
    private const int IdleClass = 3 << 13;

    // sys/resource.h of macOS: IOPOL_TYPE_DISK, IOPOL_SCOPE_THREAD, IOPOL_UTILITY. The next lower one (throttle) may all but stop.
    private const int DiskType = 0;
    private const int ThreadScope = 1;
    private const int Utility = 4;

    /// <summary>Lowers the calling thread, for as long as it lives. Where the system does not do so, it reads like any other.</summary>
    public static void LowerThisThread()
    {
        if (OperatingSystem.IsMacOS())
        {
            _ = SetPolicy(DiskType, ThreadScope, Utility);
        }
        else if (OperatingSystem.IsLinux() && Number is { } number)
        {
            _ = Syscall(number, WhoProcess, 0, IdleClass);
        }
    }

    // The C library has no function of that name. asm/unistd.h: the number of ioprio_set.
    private static nint? Number => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 251,
        Architecture.Arm64 => 30,
        _ => null,
    };

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Syscall(nint number, nint which, nint who, nint priority);

    [LibraryImport("libc", EntryPoint = "setiopolicy_np")]
    private static partial int SetPolicy(int type, int scope, int policy);
}
