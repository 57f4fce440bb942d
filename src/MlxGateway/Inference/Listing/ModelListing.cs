using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.Net.Http.Headers;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Listing;

/// <summary>
/// <c>GET /v1/models</c>: what can be asked for, and what would come of it. Never waits for a runner: chat pages are not usable until it has answered.
/// The bytes of the last answer are given again as long as nothing that is in it has changed.
/// </summary>
internal sealed class ModelListing(ModelCatalog catalog, IModelPool pool, KnownNeeds needs, MachineMemory machine, TimeProvider time)
{
    private const string Json = "application/json; charset=utf-8";

    // How long the estimated progress of a load is good for.
    private static readonly TimeSpan ProgressLifetime = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly string _stamp = time.GetUtcNow().Ticks.ToString("x", CultureInfo.InvariantCulture);

    // Kept, because hundreds of models fill hundreds of kilobytes, and arrays of that size cost a full collection each few times that they are made.
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private Answer? _last;

    /// <summary>All models that the caller may use.</summary>
    public async Task<IResult> ListAsync(ICaller? caller, CancellationToken cancellationToken)
    {
        var view = await LookAsync(cancellationToken);
        if (caller is not null && !view.Known.Models.All(caller.MayUse))
        {
            // Few have such a key, and each another list: made anew each time.
            var names = ModelNames.Of(view.Known.Models);
            var now = time.GetUtcNow();
            return Results.Json(new ModelListAnswer("list", [.. view.Known.Models.Where(caller.MayUse).Select(m => Entries.Entry(Describe(view, m, names), now))]), ListingJson.Default.ModelListAnswer);
        }

        var answer = Volatile.Read(ref _last);
        if (answer?.IsOf(view, time.GetUtcNow()) != true)
        {
            lock (_lock)
            {
                // Whoever came at the same time has made it by now.
                answer = _last?.IsOf(view, time.GetUtcNow()) == true ? _last : _last = Make_NeedsLock(view, _last);
            }
        }

        return Results.Bytes(answer.Body, Json, entityTag: new EntityTagHeaderValue($"\"{_stamp}-{answer.Number.ToString(CultureInfo.InvariantCulture)}\""));
    }

    /// <summary>One model, by its id or an alias. One that the caller may not use is not there.</summary>
    public async Task<IResult> ShowAsync(string id, ICaller? caller, CancellationToken cancellationToken)
    {
        // The server leaves this one escape as it is.
        id = id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        var view = await LookAsync(cancellationToken);
        return view.Known.Resolve(id) is { } model && caller?.MayUse(model) != false
            ? Results.Json(Entries.Record(Describe(view, model, ModelNames.Of(view.Known.Models)), time.GetUtcNow()), ListingJson.Default.ModelRecord)
            : new ErrorResult(Refusals.UnknownModel(id, view.Known, caller));
    }

    private async ValueTask<View> LookAsync(CancellationToken cancellationToken)
    {
        var memory = await machine.NowAsync(pool.Snapshot, cancellationToken);

        // Looked at after the wait: whoever has just seen a model answer must see it loaded.
        var (known, snapshot) = (catalog.Current, pool.Snapshot);
        return new View(known, snapshot with { Memory = memory ?? snapshot.Memory }, needs.Of(known));
    }

    private Answer Make_NeedsLock(View view, Answer? last)
    {
        var now = time.GetUtcNow();
        var names = last?.View.Known == view.Known ? last.Names : ModelNames.Of(view.Known.Models);
        var list = new ModelListAnswer("list", [.. view.Known.Models.Select(m => Entries.Entry(Describe(view, m, names), now))]);
        _buffer.ResetWrittenCount();
        using (var writer = new Utf8JsonWriter(_buffer))
        {
            JsonSerializer.Serialize(writer, list, ListingJson.Default.ModelListAnswer);
        }

        var until = view.Pool.Models.Any(m => m is { State: ResidentState.Launching, LoadTime: not null }) ? now + ProgressLifetime : DateTimeOffset.MaxValue;
        return last is not null && _buffer.WrittenSpan.SequenceEqual(last.Body)
            ? last with { View = view, Until = until }
            : new Answer(view, names, until, _buffer.WrittenSpan.ToArray(), (last?.Number ?? 0) + 1);
    }

    private static KnownModel Describe(View view, ModelSpec model, Dictionary<string, string> names) =>
        KnownModel.In(view.Pool, model, names[model.Id], view.Known.FirstSeen(model.Id)!.Value, view.Needs.GetValueOrDefault(model.Id));

    private sealed record View(CatalogSnapshot Known, PoolSnapshot Pool, IReadOnlyDictionary<string, MemoryNeeds> Needs);

    private sealed record Answer(View View, Dictionary<string, string> Names, DateTimeOffset Until, byte[] Body, long Number)
    {
        public bool IsOf(View view, DateTimeOffset now) =>
            now < Until && View.Known == view.Known && View.Needs == view.Needs && View.Pool.Version == view.Pool.Version && View.Pool.Memory == view.Pool.Memory;
    }
}
