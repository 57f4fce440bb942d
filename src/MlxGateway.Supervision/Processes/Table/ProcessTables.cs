namespace MlxGateway.Supervision.Processes;

/// <summary>The process table of the system we are on.</summary>
internal static class ProcessTables
{
    /// <exception cref="PlatformNotSupportedException">Neither Linux nor macOS.</exception>
    public static IProcessTable ForThisSystem() =>
        OperatingSystem.IsLinux() ? new LinuxProcessTable()
        : OperatingSystem.IsMacOS() ? new MacProcessTable()
        : throw new PlatformNotSupportedException("Runners can be supervised on macOS and Linux only.");
}
