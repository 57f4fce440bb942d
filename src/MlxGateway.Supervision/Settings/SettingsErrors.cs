namespace MlxGateway.Supervision.Settings;

/// <summary>One mistake in the configuration.</summary>
/// <param name="Key">The full path of the key, for example <c>MlxGateway:Models:vision:Memory</c>.</param>
/// <param name="Sentence">What is wrong with it and what to write instead, for a person.</param>
public sealed record SettingsError(string Key, string Sentence)
{
    /// <summary>One line: <c>MlxGateway:Memory:Reserve: "lots" is not a size; …</c></summary>
    public override string ToString() => $"{Key}: {Sentence}";
}

/// <summary>Every mistake found in the configuration, in the order in which they were found. Not for use by several threads.</summary>
public sealed class SettingsErrors
{
    private readonly List<SettingsError> _all = [];

    /// <summary>Whether there is any mistake.</summary>
    public bool Any => _all.Count > 0;

    /// <summary>The mistakes in order.</summary>
    public IReadOnlyList<SettingsError> All => _all;

    /// <summary>Adds a mistake.</summary>
    /// <param name="key">The full path of the key.</param>
    /// <param name="sentence">What is wrong with it, for a person. It must hold no secret.</param>
    public void Add(string key, string sentence) => _all.Add(new SettingsError(key, sentence));

    /// <summary>Whether a mistake was found at this very key.</summary>
    internal bool Has(string key) => _all.Exists(error => string.Equals(error.Key, key, StringComparison.OrdinalIgnoreCase));
}
