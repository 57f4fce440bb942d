using MlxGateway.Supervision.Settings;

namespace MlxGateway.Hosting;

/// <summary>The command line: the gateway's own switches, and ASP.NET Core's <c>--Section:Key value</c>.</summary>
internal static class Switches
{
    // Root keys of the framework that make sense as switches.
    private static readonly string[] Known = ["config", "model", "port", "urls", "environment", "contentRoot", "allowedHosts"];

    /// <summary>Reports switches that nothing would read: a misspelt one would otherwise be ignored in silence.</summary>
    public static void Check(IReadOnlyList<string> args, SettingsErrors errors)
    {
        for (var i = 0; i < args.Count; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
            {
                // The framework would pass over "-port 5" in silence, and break on "-port=5".
                errors.Add(args[i], "is no switch; write --config FILE, --model ID, --port N or --Section:Key VALUE.");
                i += args[i].StartsWith('-') && i + 1 < args.Count && !args[i].Contains('=', StringComparison.Ordinal) && !args[i + 1].StartsWith('-') ? 1 : 0;
                continue;
            }

            var name = args[i].TrimStart('-').Split('=')[0];
            var takesNext = !args[i].Contains('=', StringComparison.Ordinal);
            if (!name.Contains(':', StringComparison.Ordinal) && !Known.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                var near = Spelling.Nearest(name, Known, 1);
                errors.Add(args[i], near.Count == 0 ? "is not a switch; known are --config, --model, --port, --urls and --Section:Key." : $"is not a switch; did you mean --{near[0]}?");
            }
            else if (takesNext && (i + 1 == args.Count || args[i + 1].StartsWith("--", StringComparison.Ordinal)))
            {
                errors.Add(args[i], "needs a value.");
                continue;
            }

            i += takesNext ? 1 : 0;
        }
    }
}
