using System.CommandLine;

namespace MlxGateway.Commands;

/// <summary>The switches of every command that talks to the gateway.</summary>
internal static class CallOptions
{
    /// <summary>Where the gateway is.</summary>
    public static Option<string?> Url { get; } = new("--url") { Description = "Where the gateway is; else MLXGATEWAY_URL, else as configured", HelpName = "ADDRESS" };

    /// <summary>The key.</summary>
    public static Option<string?> Key { get; } = new("--key") { Description = "The key that it wants; else MLXGATEWAY_API_KEY", HelpName = "KEY" };

    /// <summary>The configuration that says where the gateway is.</summary>
    public static Option<string?> Config { get; } = new("--config") { Description = "A configuration file on top, as for serve", HelpName = "FILE" };

    /// <summary>The port that replaces the configured one.</summary>
    public static Option<string?> Port { get; } = new("--port") { Description = "Its port on this machine", HelpName = "N", Validators = { WholeNumber.BePort } };

    /// <summary>JSON for scripts.</summary>
    public static Option<bool> Json { get; } = new("--json") { Description = "JSON for scripts, as the gateway says it" };

    /// <summary>Adds all of them.</summary>
    public static void AddTo(Command command)
    {
        foreach (var option in (Option[])[Json, Url, Key, Config, Port])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Those that the configuration is read with.</summary>
    public static string[] Switches(ParseResult parse) => [.. Pair("--config", parse.GetValue(Config)), .. Pair("--port", parse.GetValue(Port))];

    private static string[] Pair(string name, string? value) => value is null ? [] : [name, value];
}
