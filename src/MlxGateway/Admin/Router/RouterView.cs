using MlxGateway.Inference;
using MlxGateway.Inference.Listing;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Admin.Router;

/// <summary>The models as llama.cpp's router would show them.</summary>
internal sealed class RouterView(ModelCatalog catalog, IModelPool pool, ModelLoads loads, ModelRemover remover, IModelDownloads downloads, AdminOptions options, TimeProvider time)
{
    private const string Unloaded = "unloaded";
    private const string Loading = "loading";
    private const string Loaded = "loaded";
    private const string Downloading = "downloading";
    private const int ExitOfAFailure = 1;

    private readonly Lock _lock = new();
    private Task? _refresh;

    /// <summary>Has the catalog look at the disk, once for all who ask meanwhile.</summary>
    public Task RefreshAsync()
    {
        lock (_lock)
        {
            return _refresh is { IsCompleted: false } ? _refresh : _refresh = Task.Run(catalog.Rebuild);
        }
    }

    /// <summary>Every model that the caller may use, with those that are only on their way.</summary>
    public RouterList List(ICaller? caller)
    {
        var (known, now) = (catalog.Current, pool.Snapshot);
        var coming = downloads.Current.Where(static d => !d.IsOver).ToDictionary(static d => d.Id, StringComparer.Ordinal);
        var there = known.Models.Where(MayUse).Select(model => Show(model, known, now, caller is not { MaySteer: false }));
        var absent = coming.Values.Where(d => known.Find(d.Id) is null && MayUse(new ModelSpec { Id = d.Id.Split(':')[0], Runner = "" }));
        return new RouterList(
        [
            .. there.Select(model => coming.ContainsKey(model.Id) ? model with { Status = new RouterStatus(Downloading) } : model)
                .Concat(absent.Select(d => Show(new ModelSpec { Id = d.Id, Runner = "" }, known, now, all: false) with { Created = d.Started.ToUnixTimeSeconds(), Source = "cache", Status = new RouterStatus(Downloading) }))
                .OrderBy(static model => model.Id, StringComparer.Ordinal),
        ]);

        bool MayUse(ModelSpec model) => caller?.MayUse(model) != false;
    }

    /// <summary>Where the model stands.</summary>
    public RouterStatus StatusOf(ModelSpec model, PoolSnapshot now)
    {
        var resident = now.Models.FirstOrDefault(m => m.Id == model.Id);
        return resident switch
        {
            { State: ResidentState.Ready or ResidentState.Draining or ResidentState.Stopping } => new RouterStatus(Loaded),
            { State: ResidentState.Launching } => new RouterStatus(Loading),
            { State: ResidentState.Cooling } => Failed(resident.Failure),
            { Waiting: > 0 } => new RouterStatus(Loading),
            _ when loads.IsPending(model.Id) => new RouterStatus(Loading),
            _ => loads.FailureOf(model.Id) is { } failure ? Failed(failure) : new RouterStatus(Unloaded),
        };
    }

    /// <summary>How far its load is, from 0 to 1; null: it is not being loaded, or was never loaded before.</summary>
    public double? ProgressOf(ModelSpec model, PoolSnapshot now) =>
        now.Models.FirstOrDefault(m => m.Id == model.Id) is { State: ResidentState.Launching } resident ? Statuses.Of(Know(model, catalog.Current, now with { Models = [resident] }), time.GetUtcNow()).Progress : null;

    /// <summary>What is told of it when it is loaded.</summary>
    public RouterInfo InfoOf(ModelSpec model, PoolSnapshot now)
    {
        var entry = Entries.Entry(Know(model, catalog.Current, now), time.GetUtcNow());
        return new RouterInfo(entry.Meta, entry.Architecture);
    }

    private RouterModel Show(ModelSpec model, CatalogSnapshot known, PoolSnapshot now, bool all)
    {
        var entry = Entries.Entry(Know(model, known, now), time.GetUtcNow());
        var keeper = remover.KeeperOf(model);
        var status = StatusOf(model, now);
        return new RouterModel
        {
            Id = entry.Id,
            Aliases = entry.Aliases,
            Tags = entry.Tags,
            Created = entry.Created,
            Path = all ? model.Path : null,
            Status = all ? status with { Args = Arguments(model) } : status,
            Architecture = entry.Architecture,
            Meta = entry.Meta,
            Source = keeper switch
            {
                ModelKeeper.HuggingFaceCache => "cache",
                ModelKeeper.Configuration => "preset",
                _ => "models_dir",
            },
            CanRemove = options.AllowDelete && keeper is ModelKeeper.HuggingFaceCache or ModelKeeper.Folder,
        };
    }

    private static RouterStatus Failed(string? failure) => new(Unloaded) { Failed = true, ExitCode = ExitOfAFailure, Failure = failure };

    private static KnownModel Know(ModelSpec model, CatalogSnapshot known, PoolSnapshot now) =>
        KnownModel.In(now, model, model.Id, known.FirstSeen(model.Id) ?? default, needs: null);

    private static IReadOnlyList<string> Arguments(ModelSpec model) =>
        SecretArguments.Masked([model.Runner, .. model.Command, .. model.Args], SecretFilter.SecretsOf(model.Env.Entries));
}
