using System.Security;

namespace MlxGateway.Commands.Installing;

/// <summary>macOS's manager of a user's session.</summary>
internal static class Launchd
{
    private const string Label = "mlxgateway";

    /// <summary>Makes the plan.</summary>
    /// <param name="home">The home folder.</param>
    /// <param name="user">The user's number, which names the session.</param>
    /// <param name="command">The words that start the gateway.</param>
    public static ServicePlan Plan(string home, string user, IReadOnlyList<string> command)
    {
        var path = Path.Combine(home, "Library", "LaunchAgents", $"{Label}.plist");
        var log = Path.Combine(home, "Library", "Logs", "MlxGateway.log");
        return new(
            path,
            $"""
            <?xml version="1.0" encoding="UTF-8"?>
            <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
            <plist version="1.0">
            <dict>
              <key>Label</key>
              <string>{Label}</string>
              <key>ProgramArguments</key>
              <array>
            {string.Join('\n', command.Select(static word => $"    <string>{SecurityElement.Escape(word)}</string>"))}
              </array>
              <key>RunAtLoad</key>
              <true/>
              <key>KeepAlive</key>
              <dict>
                <key>SuccessfulExit</key>
                <false/>
              </dict>
              <key>ProcessType</key>
              <string>Interactive</string>
              <key>ExitTimeOut</key>
              <integer>160</integer>
              <key>SoftResourceLimits</key>
              <dict>
                <key>NumberOfFiles</key>
                <integer>8192</integer>
              </dict>
              <key>HardResourceLimits</key>
              <dict>
                <key>NumberOfFiles</key>
                <integer>65536</integer>
              </dict>
              <key>StandardOutPath</key>
              <string>{SecurityElement.Escape(log)}</string>
              <key>StandardErrorPath</key>
              <string>{SecurityElement.Escape(log)}</string>
            </dict>
            </plist>

            """,
            [["launchctl", "bootstrap", $"gui/{user}", path]],
            [["launchctl", "bootout", $"gui/{user}/{Label}"]],
            [],
            ["launchctl", "print", $"gui/{user}/{Label}"],
            $"What it writes is in {log}.");
    }
}
