using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Listing;

/// <summary>What the models of the catalog need, worked out when it changes and, because what is observed of running models teaches the gauge, anew every ten seconds while somebody looks.</summary>
internal sealed partial class KnownNeeds(IMemoryGauge gauge, TimeProvider time, ILogger<KnownNeeds> logger)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Survey _last = new(CatalogSnapshot.Empty, new Dictionary<string, MemoryNeeds>(), 0);
    private Task? _renewal;

    /// <summary>The needs of the models of which they could be worked out, by id. The same object as long as nothing changed.</summary>
    public IReadOnlyDictionary<string, MemoryNeeds> Of(CatalogSnapshot known)
    {
        var last = Volatile.Read(ref _last);
        if (last.Known != known)
        {
            lock (_lock)
            {
                last = _last.Known == known ? _last : _last = Make(known, _last);
            }
        }
        else if (time.GetElapsedTime(last.At) >= Lifetime)
        {
            Renew(known);
        }

        return last.Needs;
    }

    // Nobody waits for it: with hundreds of models it may take some milliseconds.
    private void Renew(CatalogSnapshot known)
    {
        lock (_lock)
        {
            if (_renewal is null or { IsCompleted: true })
            {
                _renewal = Task.Run(() =>
                {
                    var fresh = Make(known, null);
                    lock (_lock)
                    {
                        _last = _last.Known == known ? (Same(_last, fresh) ? fresh with { Needs = _last.Needs } : fresh) : _last;
                    }
                });
            }
        }
    }

    private static bool Same(Survey one, Survey other) =>
        one.Needs.Count == other.Needs.Count && one.Needs.All(n => other.Needs.TryGetValue(n.Key, out var needs) && needs == n.Value);

    private Survey Make(CatalogSnapshot known, Survey? old)
    {
        var needs = new Dictionary<string, MemoryNeeds>(known.Models.Count, StringComparer.Ordinal);
        foreach (var model in known.Models.Where(m => m.Missing is null))
        {
            if ((old is not null && old.Known.Resolve(model.Id) == model ? old.Needs.GetValueOrDefault(model.Id) : null) is { } unchanged)
            {
                needs.Add(model.Id, unchanged);
            }
            else if (TryAsk(model) is { } asked)
            {
                needs.Add(model.Id, asked);
            }
        }

        return new Survey(known, needs, time.GetTimestamp());
    }

    // One model that cannot be judged must not take the list with it.
    private MemoryNeeds? TryAsk(ModelSpec model)
    {
        try
        {
            return gauge.NeedsOf(model);
        }
        catch (Exception exception)
        {
            Log.Unknown(logger, model.Id, exception);
            return null;
        }
    }

    private sealed record Survey(CatalogSnapshot Known, IReadOnlyDictionary<string, MemoryNeeds> Needs, long At);

    private static partial class Log
    {
        [LoggerMessage(4011, LogLevel.Warning, "What model {Model} needs could not be worked out.")]
        public static partial void Unknown(ILogger logger, string model, Exception exception);
    }
}
