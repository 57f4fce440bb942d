using System.Buffers;
using System.Text.Json;
using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Admin.Router;

/// <summary>
/// What becomes of the models, in the events of llama.cpp's router, for one reader. It compares what it told last with what is now, so that a reader who was away for a while is told the outcome
/// and nothing has to be kept for him.
/// </summary>
internal sealed class RouterFeed : IFeed
{
    /// <summary>How often it looks by itself: for the catalog, which tells nobody, and for the progress of loads.</summary>
    public static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    private readonly ModelCatalog _catalog;
    private readonly IModelPool _pool;
    private readonly ModelLoads _loads;
    private readonly RouterView _view;
    private readonly ICaller? _caller;
    private readonly TimeProvider _time;
    private readonly DownloadFeed _downloads;
    private readonly Queue<object> _events = [];
    private CatalogSnapshot _known;
    private long _version;
    private Dictionary<string, Told> _told;

    public RouterFeed(ModelCatalog catalog, IModelPool pool, ModelLoads loads, RouterView view, IModelDownloads downloads, ICaller? caller, TimeProvider time)
    {
        (_catalog, _pool, _loads, _view, _caller, _time) = (catalog, pool, loads, view, caller, time);
        _downloads = new DownloadFeed(downloads, caller);
        _known = catalog.Current;
        var now = pool.Snapshot;
        _version = now.Version;
        _told = Look(_known, now);
    }

    /// <inheritdoc/>
    public string ContentType => "text/event-stream";

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Pulse { get; } = ": \n\n"u8.ToArray();

    /// <inheritdoc/>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(_pool.ChangedAsync(_version, enough.Token), _loads.Changed.NextAsync(enough.Token), Task.Delay(Glance, _time, enough.Token));
        await enough.CancelAsync();
    }

    /// <inheritdoc/>
    public bool TryWrite(IBufferWriter<byte> output)
    {
        if (_events.Count == 0)
        {
            Compare();
        }

        if (!_events.TryDequeue(out var happened))
        {
            return false;
        }

        output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(output))
        {
            JsonSerializer.Serialize(json, happened, happened.GetType(), RouterJson.Default);
        }

        output.Write("\n\n"u8);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private void Compare()
    {
        var (known, now) = (_catalog.Current, _pool.Snapshot);
        var seen = Look(known, now);
        _version = now.Version;
        foreach (var news in _downloads.News())
        {
            _events.Enqueue(news);
        }

        if (known != _known)
        {
            _known = known;
            foreach (var gone in _told.Keys.Where(id => !seen.ContainsKey(id)))
            {
                _events.Enqueue(new RouterEvent(gone, "model_remove"));
            }

            _events.Enqueue(new RouterEvent("*", "models_reload"));
        }

        foreach (var (id, status) in seen)
        {
            if (status != (_told.GetValueOrDefault(id) ?? new Told("unloaded", null, null)))
            {
                _events.Enqueue(new RouterEvent(id, "model_status") { Data = Tell(known.Find(id)!, status, now) });
            }
        }

        _told = seen;
    }

    private Dictionary<string, Told> Look(CatalogSnapshot known, PoolSnapshot now)
    {
        var seen = new Dictionary<string, Told>(StringComparer.Ordinal);
        foreach (var model in known.Models.Where(model => _caller?.MayUse(model) != false))
        {
            var status = _view.StatusOf(model, now);
            seen.Add(model.Id, new Told(status.Value, status.Failed == true ? status.Failure ?? "" : null, status.Value == "loading" ? _view.ProgressOf(model, now) : null));
        }

        return seen;
    }

    private RouterEventData Tell(ModelSpec model, Told status, PoolSnapshot now) => new(status.Status)
    {
        Progress = status.Progress is { } progress ? new RouterProgress(["text_model"], "text_model", progress) : null,
        ExitCode = status.Status != "unloaded" ? null : status.Failure is null ? 0 : 1,
        Failure = status.Failure,
        Info = status.Status == "loaded" ? _view.InfoOf(model, now) : null,
    };

    private sealed record Told(string Status, string? Failure, double? Progress);
}
