using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>Holds the <see cref="CatalogSnapshot"/> that is in force. It is made from all sources and replaced whole, so that whoever holds one never sees it change. For use by any thread.</summary>
public sealed partial class ModelCatalog
{
    private const int ShownNames = 8;
    private readonly IReadOnlyList<IModelSource> _sources;
    private readonly FactsCache _facts;
    private readonly TimeProvider _time;
    private readonly ILogger<ModelCatalog> _logger;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _firstSeen = new(StringComparer.Ordinal);
    private ModelSettings? _settings;
    private CatalogSnapshot _current = CatalogSnapshot.Empty;
    private bool _hasBeenReal;

    internal ModelCatalog(IEnumerable<IModelSource> sources, FactsCache facts, TimeProvider time, ILogger<ModelCatalog> logger) =>
        (_sources, _facts, _time, _logger) = ([.. sources], facts, time, logger);

    /// <summary>The models in force; none before settings are adopted. Costs nothing.</summary>
    public CatalogSnapshot Current => Volatile.Read(ref _current);

    /// <summary>The settings in force; null before any are adopted.</summary>
    internal ModelSettings? Settings => Volatile.Read(ref _settings);

    /// <summary>Checks new settings and, if there is no mistake in them nor among <paramref name="errors"/> already, puts them in force.</summary>
    /// <param name="settings">The settings as they were read.</param>
    /// <param name="errors">What was found wrong with the configuration so far; every breach by a model is added.</param>
    /// <returns>False if anything is wrong; then everything stays as it was.</returns>
    public bool TryAdopt(ModelSettings settings, SettingsErrors errors)
    {
        ModelRules.Check(settings, errors, _facts);
        lock (_lock)
        {
            // Engines are looked for once; whoever reads the settings again does not know of them.
            settings = settings with { LaunchableKinds = settings.LaunchableKinds ?? _settings?.LaunchableKinds };
            var next = Snapshot_NeedsLock(settings);
            ModelRules.CheckDefault(settings, next, errors);
            if (errors.Any)
            {
                return false;
            }

            var isFirst = _settings is null;
            Volatile.Write(ref _settings, settings);
            Publish_NeedsLock(next, settings, isFirst);
            return true;
        }
    }

    /// <summary>Looks at the disk again and puts in force what is there now; if that is what was there before, everything stays the same objects. Takes as long as the disk does.</summary>
    public CatalogSnapshot Rebuild()
    {
        lock (_lock)
        {
            if (_settings is { } settings)
            {
                Publish_NeedsLock(Snapshot_NeedsLock(settings), settings, isFirst: false);
            }

            return _current;
        }
    }

    private CatalogSnapshot Snapshot_NeedsLock(ModelSettings settings)
    {
        var models = CatalogMerge.Of(_sources.SelectMany(source => source.Read(settings)));

        // A demonstration is for whoever has nothing else. Once there was something, it has shown what it is for, and must not come back while a model is being replaced.
        if (_hasBeenReal || models.Exists(model => IsReal(model, settings)))
        {
            models.RemoveAll(model => model.Origin == ModelOrigin.Demonstration);
        }

        // Who holds a model compares by reference first: one that did not change stays the same object.
        var before = _current;
        for (var i = 0; i < models.Count; i++)
        {
            models[i] = before.Find(models[i].Id) is { } known && known == models[i] ? known : models[i];
        }

        var now = _time.GetUtcNow();
        return new CatalogSnapshot(models, models.ToDictionary(model => model.Id, model => _firstSeen.GetValueOrDefault(model.Id, now), StringComparer.Ordinal), settings.DefaultModel) { FetchesUnknown = settings.Discovery.Download };
    }

    private static bool IsReal(ModelSpec model, ModelSettings settings) =>
        model.Origin != ModelOrigin.Demonstration && model.Missing is null && (settings.LaunchableKinds?.Contains(model.Runner) ?? true);

    private void Publish_NeedsLock(CatalogSnapshot next, ModelSettings settings, bool isFirst)
    {
        var before = _current;
        if (before.Default == next.Default && before.FetchesUnknown == next.FetchesUnknown && before.Models.SequenceEqual(next.Models, ReferenceEqualityComparer.Instance))
        {
            return;
        }

        foreach (var model in next.Models)
        {
            // A model that comes back is not new: clients sort by this.
            _firstSeen.TryAdd(model.Id, next.FirstSeen(model.Id)!.Value);
        }

        _hasBeenReal |= next.Models.Any(model => IsReal(model, settings));
        Volatile.Write(ref _current, next);
        Log.Changed(_logger, next.Models.Count, next.Models.Count(model => model.Origin == ModelOrigin.Configured), next.Models.Count(model => model.Missing is not null));
        if (!isFirst)
        {
            Tell(before, next);
        }
    }

    private void Tell(CatalogSnapshot before, CatalogSnapshot next)
    {
        var came = next.Models.Where(model => before.Find(model.Id) is null).ToList();
        var went = before.Models.Where(model => next.Find(model.Id) is null).ToList();
        var changed = next.Models.Where(model => before.Find(model.Id) is { } old && old != model).ToList();
        if (came.Count > 0)
        {
            Log.Came(_logger, Names(came));
        }

        if (went.Count > 0)
        {
            Log.Went(_logger, Names(went));
        }

        if (changed.Count > 0)
        {
            Log.Different(_logger, Names(changed));
        }
    }

    private static string Names(List<ModelSpec> models) =>
        string.Join(", ", models.Take(ShownNames).Select(model => model.Missing is null ? model.Id : $"{model.Id} (incomplete)")) + (models.Count > ShownNames ? $" and {models.Count - ShownNames} more" : "");

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Information, "The catalog has {Models} models: {Configured} are configured, and {Incomplete} lack files.")]
        public static partial void Changed(ILogger logger, int models, int configured, int incomplete);

        [LoggerMessage(1002, LogLevel.Information, "These models came: {Names}.")]
        public static partial void Came(ILogger logger, string names);

        [LoggerMessage(1003, LogLevel.Information, "These models went: {Names}.")]
        public static partial void Went(ILogger logger, string names);

        [LoggerMessage(1004, LogLevel.Information, "These models are not what they were: {Names}.")]
        public static partial void Different(ILogger logger, string names);
    }
}
