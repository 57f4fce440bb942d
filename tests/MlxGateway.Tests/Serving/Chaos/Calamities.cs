using System.Collections.Concurrent;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>When which model's runner was made to fail: a failure that none of these explains is the gateway's own.</summary>
internal sealed class Calamities
{
    // From a blow to what it does to others: the gateway's notice, the cooldown behind it, a launch that fails because of it.
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(20);

    private readonly ConcurrentDictionary<object, (string Model, DateTimeOffset From, DateTimeOffset? Until)> _all = [];

    /// <summary>Something befalls a model's runner now, and lasts until <see cref="Over"/>.</summary>
    public object Befall(string model)
    {
        var key = new object();
        _all[key] = (model, TimeProvider.System.GetUtcNow(), null);
        return key;
    }

    /// <summary>It lasts no longer.</summary>
    public void Over(object calamity)
    {
        var (model, from, _) = _all[calamity];
        _all[calamity] = (model, from, TimeProvider.System.GetUtcNow());
    }

    /// <summary>Whether it can be the cause of a failure in this time.</summary>
    public bool Explain(string model, DateTimeOffset began, DateTimeOffset ended) =>
        _all.Values.Any(c => c.Model == model && c.From <= ended && (c.Until is null || c.Until + Aftermath >= began));
}
