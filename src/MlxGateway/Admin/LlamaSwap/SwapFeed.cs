using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MlxGateway.Admin.History;
using MlxGateway.Admin.Logs;
using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Admin.LlamaSwap;

/// <summary>
/// What llama-swap's <c>/api/events</c> tells one reader: first how everything stands, then what is new. Of the models it is told how they stand now, and of the requests those that are over since it
/// looked last, so that nothing is kept for a slow reader but the lines that it may be behind.
/// </summary>
internal sealed class SwapFeed(ModelCatalog catalog, IModelPool pool, GatewayLog gateway, RunnerOutputs runners, RequestHistory history, ICaller? caller, TimeProvider time) : IFeed
{
    /// <summary>How often it looks by itself: for the catalog and for requests that are over, which tell nobody.</summary>
    public static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    /// <summary>How many of the last lines, and of the last requests, are told first.</summary>
    public const int First = 200;

    // In characters. What is more is told in the next event.
    private const int LargestPiece = 64 * 1024;

    private readonly Queue<SwapEvent> _events = [];
    private readonly LineBuffer _ofGateway = new();
    private readonly LineBuffer _ofRunners = new();
    private readonly Dictionary<string, IDisposable> _following = new(StringComparer.Ordinal);
    private IDisposable? _followingGateway;
    private CatalogSnapshot? _known;
    private long _version;
    private string? _models;
    private long _lastRequest;
    private bool _hasLooked;

    /// <inheritdoc/>
    public string ContentType => "text/event-stream";

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Pulse { get; } = ": \n\n"u8.ToArray();

    /// <inheritdoc/>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (_known is not null)
        {
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(_ofGateway.WaitAsync(enough.Token), _ofRunners.WaitAsync(enough.Token), pool.ChangedAsync(_version, enough.Token), Task.Delay(Glance, time, enough.Token));
            await enough.CancelAsync();
        }

        _hasLooked = false;
    }

    /// <inheritdoc/>
    public bool TryWrite(IBufferWriter<byte> output)
    {
        // One look for each wait: who looked until nothing is new would never be done while a runner floods its log, and nothing would be sent.
        if (_events.Count == 0 && !_hasLooked)
        {
            _hasLooked = true;
            Look();
        }

        if (!_events.TryDequeue(out var happened))
        {
            return false;
        }

        output.Write("event:message\ndata:"u8); // without spaces, as there: scripts cut off so much
        output.Write(JsonSerializer.SerializeToUtf8Bytes(happened, SwapJson.Readable.SwapEvent));
        output.Write("\n\n"u8);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _followingGateway?.Dispose();
        foreach (var follower in _following.Values)
        {
            follower.Dispose();
        }

        _following.Clear();
    }

    private void Look()
    {
        var (known, now, isFirst) = (catalog.Current, pool.Snapshot, _known is null);
        if (isFirst)
        {
            Tell("proxy", gateway.Lines(First));
            Tell("upstream", [.. now.Models.Where(m => known.Find(m.Id) is { } model && MayUse(model)).SelectMany(m => runners.Lines(m.Id, First) ?? [])]);
            _followingGateway = gateway.Follow(_ofGateway.Add);
        }

        if (known != _known)
        {
            Follow(known);
        }

        Tell("proxy", Piece(_ofGateway));
        Tell("upstream", Piece(_ofRunners));
        if (known != _known || now.Version != _version)
        {
            (_known, _version) = (known, now.Version);
            var models = Json(SwapView.Models(known, now, caller), SwapJson.Readable.IReadOnlyListSwapModel);
            if (models != _models)
            {
                _events.Enqueue(new SwapEvent("modelStatus", _models = models));
            }
        }

        var over = history.Behind(_lastRequest, First);
        _lastRequest = over.Count > 0 ? over[^1].Number : _lastRequest;
        SwapMetric[] metrics = [.. over.Where(request => request.Model is { } id && MayUse(known.Find(id) ?? new ModelSpec { Id = id, Runner = "" })).Select(SwapView.Metric)];
        if (isFirst || metrics.Length > 0)
        {
            _events.Enqueue(new SwapEvent("metrics", Json(metrics, SwapJson.Readable.IReadOnlyListSwapMetric)));
        }
    }

    private void Follow(CatalogSnapshot known)
    {
        foreach (var gone in _following.Keys.Where(id => known.Find(id) is null).ToList())
        {
            _following.Remove(gone, out var follower);
            follower!.Dispose();
        }

        foreach (var model in known.Models.Where(model => MayUse(model) && !_following.ContainsKey(model.Id)))
        {
            _following.Add(model.Id, runners.Follow(model.Id, _ofRunners.Add));
        }
    }

    private bool MayUse(ModelSpec model) => caller?.MayUse(model) != false;

    private static List<string> Piece(LineBuffer lines)
    {
        var piece = new List<string>();
        if (lines.TakeDropped() is > 0 and var dropped)
        {
            piece.Add(LineFeed.Gap(dropped));
        }

        for (var length = 0; length < LargestPiece && lines.Take() is { } line; length += line.Length)
        {
            piece.Add(line);
        }

        return piece;
    }

    private void Tell(string source, IReadOnlyList<string> lines)
    {
        if (lines.Count > 0)
        {
            var text = new StringBuilder();
            foreach (var line in lines)
            {
                text.Append(line).Append('\n');
            }

            _events.Enqueue(new SwapEvent("logData", Json(new SwapLog(source, text.ToString()), SwapJson.Readable.SwapLog)));
        }
    }

    private static string Json<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.Serialize(value, type);
}
