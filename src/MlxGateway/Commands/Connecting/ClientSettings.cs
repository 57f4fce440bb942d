namespace MlxGateway.Commands.Connecting;

/// <summary>What a client needs so that it works with the gateway.</summary>
internal sealed record ClientSettings
{
    /// <summary>Files, or what belongs into them.</summary>
    public IReadOnlyList<SettingsFile> Files { get; init; } = [];

    /// <summary>Environment variables.</summary>
    public IReadOnlyList<(string Name, string Value)> Variables { get; init; } = [];

    /// <summary>What a person has to do by hand, a sentence each.</summary>
    public IReadOnlyList<string> Steps { get; init; } = [];

    /// <summary>A program; null: it is not for programmers.</summary>
    public string? Code { get; init; }

    /// <summary>How it is started then; null: as always.</summary>
    public string? Start { get; init; }
}

/// <summary>How a file of settings is written, which decides how it is merged.</summary>
internal enum SettingsFormat
{
    /// <summary>JSON.</summary>
    Json,

    /// <summary>TOML.</summary>
    Toml,

    /// <summary>YAML whose entries stand under the key <c>models</c>.</summary>
    YamlModels,

    /// <summary>YAML that is a list itself.</summary>
    YamlList,
}

/// <summary>What belongs into a file.</summary>
/// <param name="Path">The file; <c>~</c> is the home folder.</param>
/// <param name="Format">How it is written.</param>
/// <param name="Text">What belongs into it: all of a new one.</param>
internal sealed record SettingsFile(string Path, SettingsFormat Format, string Text);

/// <summary>A program that can use the gateway.</summary>
/// <param name="Name">How it is named on the command line.</param>
/// <param name="Title">What it is called.</param>
/// <param name="Settings">What it needs.</param>
internal sealed record Client(string Name, string Title, Func<Connection, ClientSettings> Settings)
{
    /// <summary>Other names.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>How many tokens its first message takes before the person has said anything, as seen; 0: next to nothing. Null: not seen.</summary>
    public int? FirstMessage { get; init; }

    /// <summary>The context below which it does not get far.</summary>
    public int Comfortable { get; init; }

    /// <summary>Whether these settings were seen to work, and not only read about.</summary>
    public bool IsTried { get; init; } = true;
}
