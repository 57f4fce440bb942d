using System.Collections.Concurrent;

namespace MlxGateway.Inference;

/// <summary>The requests that are being served, so that somebody else than their clients can see them and call them off.</summary>
internal sealed class RequestsInFlight
{
    // By themselves and not by their ids: a client may give two requests the same one.
    private readonly ConcurrentDictionary<InferenceExchange, byte> _all = new();

    /// <summary>Those of this moment.</summary>
    public IEnumerable<InferenceExchange> All => _all.Keys;

    public void Enter(InferenceExchange exchange) => _all.TryAdd(exchange, 0);

    public void Leave(InferenceExchange exchange) => _all.TryRemove(exchange, out _);

    /// <summary>How many requests wait for the same model and came before this one. Their turn is not bound to come first: the pool is fair to clients, not to requests.</summary>
    public int CountBefore(InferenceExchange exchange)
    {
        var count = 0;
        foreach (var (other, _) in _all)
        {
            if (other.Stage == RequestStage.Queued && other.ArrivedAt < exchange.ArrivedAt && other.Record.Model == exchange.Record.Model)
            {
                count++;
            }
        }

        return count;
    }

    /// <summary>Calls off every request of this id that is the caller's to call off: their own, and who steers those to models that they are good for. Its generation ends in the engine, and its place is free.</summary>
    /// <returns>How many there were.</returns>
    public int Cancel(string id, ICaller? caller = null)
    {
        var all = _all.Keys.Where(e => e.Record.Id == id && (caller is null || e.Record.Caller == caller.Name || (caller.MaySteer && (e.Model is not { } model || caller.MayUse(model))))).ToList();
        all.ForEach(static e => e.Cancel());
        return all.Count;
    }
}
