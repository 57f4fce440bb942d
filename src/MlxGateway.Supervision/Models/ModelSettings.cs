using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>All that the catalog is made from.</summary>
public sealed record ModelSettings
{
    /// <summary><c>MlxGateway:Models</c>, by id.</summary>
    public required IReadOnlyDictionary<string, ModelOptions> Models { get; init; }

    /// <summary><c>MlxGateway:Discovery</c>.</summary>
    public required DiscoveryOptions Discovery { get; init; }

    /// <summary><c>MlxGateway:DefaultModel</c>: an id or alias, or null.</summary>
    public string? DefaultModel { get; init; }

    /// <summary>The folder of the configuration, absolute. Relative paths start here.</summary>
    public required string BaseFolder { get; init; }

    /// <summary>The kinds that a model may name as its runner.</summary>
    public required IReadOnlyList<string> KnownKinds { get; init; }

    /// <summary>The kinds for which models that were found on disk are offered. A subset of <see cref="KnownKinds"/>.</summary>
    public required IReadOnlyList<string> OfferedKinds { get; init; }

    /// <summary>The kinds whose engine is on this machine, so that a model of theirs can be launched now. A subset of <see cref="KnownKinds"/>; null: those of the settings before, or all.</summary>
    public IReadOnlyList<string>? LaunchableKinds { get; init; }

    /// <summary>The folder that programs share what belongs to no user in.</summary>
    public string SharedFolder { get; init; } = "/usr/share";

    /// <summary>Looks up an environment variable; null if it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Names what is wrong with models beyond their single values, for settings that are refused for other mistakes already, so that all are named at once.</summary>
    /// <param name="errors">The mistakes so far. A key that is among them is not judged again: its value is not what was written.</param>
    public void AddMistakes(SettingsErrors errors)
    {
        var more = new SettingsErrors();
        ModelRules.Check(this, more, new FactsCache());
        foreach (var error in more.All.Where(e => !errors.Has(e.Key)).ToList())
        {
            errors.Add(error.Key, error.Sentence);
        }
    }
}
