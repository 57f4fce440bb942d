using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>Holds the <see cref="CatalogSnapshot"/> that is in force. It is made from all sources and replaced whole, so that whoever holds one never sees it change. For use by any thread.</summary>
public sealed partial class ModelCatalog(IEnumerable<IModelSource> sources, TimeProvider time, ILogger<ModelCatalog> logger)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _firstSeen = new(StringComparer.Ordinal);
    private ModelSettings? _settings;
    private CatalogSnapshot _current = CatalogSnapshot.Empty;

    /// <summary>The models in force; none before settings are adopted. Costs nothing.</summary>
    public CatalogSnapshot Current => Volatile.Read(ref _current);

    /// <summary>Checks new settings and, if there is no mistake in them nor among <paramref name="errors"/> already, puts them in force.</summary>
    /// <param name="settings">The settings as they were read.</param>
    /// <param name="errors">What was found wrong with the configuration so far; every breach by a model is added.</param>
    /// <returns>False if anything is wrong; then everything stays as it was.</returns>
    public bool TryAdopt(ModelSettings settings, SettingsErrors errors)
    {
        ModelRules.Check(settings, errors);
        lock (_lock)
        {
            var models = Gather_NeedsLock(settings);
            ModelRules.CheckDefault(settings, Snapshot_NeedsLock(models, settings), errors);
            if (errors.Any)
            {
                return false;
            }

            _settings = settings;
            Publish_NeedsLock(Snapshot_NeedsLock(models, settings));
            return true;
        }
    }

    /// <summary>Looks at the disk again and puts in force what is there now. Takes as long as the disk does.</summary>
    public CatalogSnapshot Rebuild()
    {
        lock (_lock)
        {
            if (_settings is { } settings)
            {
                Publish_NeedsLock(Snapshot_NeedsLock(Gather_NeedsLock(settings), settings));
            }

            return _current;
        }
    }

    private List<ModelSpec> Gather_NeedsLock(ModelSettings settings)
    {
        var models = new List<ModelSpec>();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        foreach (var model in sources.SelectMany(source => source.Read(settings)).OrderBy(model => model.Origin))
        {
            // Whoever came before keeps its names: what is configured wins over what was found.
            if (taken.Add(model.Id))
            {
                models.Add(model with { Aliases = ValueList.From(model.Aliases.Where(taken.Add)) });
            }
        }

        BuiltInAliases.AddTo(models);
        return models;
    }

    private CatalogSnapshot Snapshot_NeedsLock(List<ModelSpec> models, ModelSettings settings)
    {
        var now = time.GetUtcNow();
        return new CatalogSnapshot(models, models.ToDictionary(model => model.Id, model => _firstSeen.GetValueOrDefault(model.Id, now), StringComparer.Ordinal), settings.DefaultModel);
    }

    private void Publish_NeedsLock(CatalogSnapshot next)
    {
        foreach (var model in next.Models)
        {
            // A model that comes back is not new: clients sort by this.
            _firstSeen.TryAdd(model.Id, next.FirstSeen(model.Id)!.Value);
        }

        var before = _current.Models;
        if (!before.SequenceEqual(next.Models))
        {
            Log.Changed(logger, next.Models.Count, next.Models.Count(model => model.Origin == ModelOrigin.Configured), next.Models.Count(model => model.Missing is not null));
        }

        Volatile.Write(ref _current, next);
    }

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Information, "The catalog has {Models} models: {Configured} are configured, and {Incomplete} lack files.")]
        public static partial void Changed(ILogger logger, int models, int configured, int incomplete);
    }
}
