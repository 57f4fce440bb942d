namespace MlxGateway.Supervision.Processes;

/// <summary>What this room needs to know.</summary>
public sealed class ProcessesOptions
{
    /// <summary>
    /// The folder of what is to be remembered: running children and their logs. Several gateways may share it. By default
    /// <c>$XDG_STATE_HOME/mlxgateway</c>, else <c>~/.local/state/mlxgateway</c>; on macOS <c>~/Library/Application Support/MlxGateway</c>.
    /// </summary>
    public string StateDirectory { get; set; } = DefaultStateDirectory(Environment.GetEnvironmentVariable, OperatingSystem.IsMacOS());

    internal static string DefaultStateDirectory(Func<string, string?> variable, bool isMac)
    {
        var home = variable("HOME") is { Length: > 0 } path ? path : Path.GetTempPath();
        return isMac ? Path.Combine(home, "Library", "Application Support", "MlxGateway")
            // A relative path is to be ignored, says the specification of these folders.
            : variable("XDG_STATE_HOME") is { } state && Path.IsPathRooted(state) ? Path.Combine(state, "mlxgateway")
            : Path.Combine(home, ".local", "state", "mlxgateway");
    }
}
