namespace MlxGateway.Commands.Installing;

/// <summary>systemd's manager of a user's session.</summary>
internal static class Systemd
{
    private const string Unit = "mlxgateway.service";

    /// <summary>Makes the plan.</summary>
    /// <param name="folder">Where the user's configuration is: <c>$XDG_CONFIG_HOME</c> or <c>~/.config</c>.</param>
    /// <param name="command">The words that start the gateway.</param>
    public static ServicePlan Plan(string folder, IReadOnlyList<string> command) => new(
        Path.Combine(folder, "systemd", "user", Unit),
        $"""
        [Unit]
        Description=MlxGateway: one port in front of every local model

        [Service]
        ExecStart={string.Join(' ', command.Select(Word))}
        Restart=on-failure
        # A wrong configuration does not mend itself.
        RestartPreventExitStatus=78
        KillMode=mixed
        # A large model's runner has two minutes to end.
        TimeoutStopSec=160
        LimitNOFILE=65536

        [Install]
        WantedBy=default.target

        """,
        [["systemctl", "--user", "daemon-reload"], ["systemctl", "--user", "enable", "--now", Unit]],
        [["systemctl", "--user", "disable", "--now", Unit]],
        [["systemctl", "--user", "daemon-reload"]],
        ["systemctl", "--user", "status", "--no-pager", Unit],
        "It runs while you are logged in. So that it runs from the start of the machine on: sudo loginctl enable-linger \"$USER\"");

    // systemd has quotes and escapes of its own, and takes % and $ for variables.
    private static string Word(string word)
    {
        var plain = word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("%", "%%", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal);
        return plain.All(static c => char.IsAsciiLetterOrDigit(c) || "/.-_:=@+,%".Contains(c, StringComparison.Ordinal)) ? plain : $"\"{plain}\"";
    }
}
