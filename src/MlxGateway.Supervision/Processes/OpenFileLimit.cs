namespace MlxGateway.Supervision.Processes;

/// <summary>How many files, pipes and connections this process may have open.</summary>
public static unsafe class OpenFileLimit
{
    private const int FilesOnLinux = 7;
    private const int FilesOnMac = 8;

    /// <summary>The hard limit, to which the runtime raises the soft one at its start; null: there is none, or the system does not say.</summary>
    public static long? Read()
    {
        var limits = stackalloc ulong[2];
        return LibC.getrlimit(OperatingSystem.IsMacOS() ? FilesOnMac : FilesOnLinux, limits) == 0 && limits[1] < long.MaxValue ? (long)limits[1] : null;
    }
}
