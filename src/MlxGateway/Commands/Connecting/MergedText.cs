namespace MlxGateway.Commands.Connecting;

/// <summary>A file of settings with more in it.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Changes">What is different from before, for a person: names of keys, never values, which may be secret.</param>
internal sealed record MergedText(string Text, IReadOnlyList<string> Changes)
{
    /// <summary>Puts settings into what is there.</summary>
    /// <param name="format">How both are written.</param>
    /// <param name="existing">What is there.</param>
    /// <param name="wanted">What belongs into it.</param>
    /// <exception cref="CommandFailure">It cannot be done without losing something of what is there.</exception>
    public static MergedText Of(SettingsFormat format, string existing, string wanted) =>
        string.IsNullOrWhiteSpace(existing) ? new MergedText((format is SettingsFormat.YamlModels or SettingsFormat.YamlList ? YamlMerge.Marked(wanted) : wanted) + "\n", ["everything is new"]) : format switch
        {
            SettingsFormat.Json => JsonMerge.Of(existing, wanted),
            SettingsFormat.Toml => TomlMerge.Of(existing, wanted),
            _ => YamlMerge.Of(existing, wanted, isUnderModels: format == SettingsFormat.YamlModels),
        };
}
