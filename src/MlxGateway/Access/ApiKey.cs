using System.Threading.RateLimiting;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Access;

/// <summary>A key that is known, and what whoever has it may do.</summary>
internal sealed class ApiKey : ICaller, IDisposable
{
    // A minute.
    private const int MostRefills = 600;

    private readonly List<string> _models;
    private readonly ConcurrencyLimiter? _atOnce;
    private readonly TokenBucketRateLimiter? _aMinute;

    /// <param name="name">What the configuration calls it.</param>
    /// <param name="options">What it says of it; checked before.</param>
    public ApiKey(string name, KeyOptions options)
    {
        Name = name;
        Hash = KeyHash.TryParse(options.Hash!)!;
        Scopes = options.Scopes.Aggregate(Scopes.None, static (all, scope) => all | ScopeNames.Parse(scope));
        _models = options.Models;
        _atOnce = options.MaxConcurrency == 0 ? null : new ConcurrencyLimiter(new ConcurrencyLimiterOptions { PermitLimit = options.MaxConcurrency });
        _aMinute = options.RequestsPerMinute == 0 ? null : new TokenBucketRateLimiter(new TokenBucketRateLimiterOptions
        {
            TokenLimit = options.RequestsPerMinute,
            TokensPerPeriod = Refill(options.RequestsPerMinute).Requests,
            ReplenishmentPeriod = Refill(options.RequestsPerMinute).Every,
        });
    }

    /// <summary>How many requests come back at a time, and how often, so that it is this many a minute. Never oftener than ten times a second: a timer of less than a millisecond does not go off at all.</summary>
    internal static (int Requests, TimeSpan Every) Refill(int aMinute)
    {
        var requests = (aMinute + MostRefills - 1) / MostRefills;
        return (requests, TimeSpan.FromMinutes(1) * requests / aMinute);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The SHA-256 of the key.</summary>
    public byte[] Hash { get; }

    /// <summary>What it may be used for.</summary>
    public Scopes Scopes { get; }

    /// <inheritdoc/>
    public bool MaySteer => (Scopes & ScopeRule.SteerOnly) != 0;

    /// <inheritdoc/>
    public bool MayUse(ModelSpec model) => _models.Count == 0 || _models.Any(pattern => pattern.EndsWith('*')
        ? model.Id.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)
        : model.Id == pattern || model.Aliases.Contains(pattern));

    /// <summary>Takes a place for one request to a model. The place is given back with the result.</summary>
    public (IDisposable? Place, GatewayError? Error) Enter()
    {
        var place = _atOnce?.AttemptAcquire();
        if (place is { IsAcquired: false })
        {
            place.Dispose();
            return (null, TooMany("has as many requests under way as it may have at once", TimeSpan.FromSeconds(1)));
        }

        if (_aMinute is null)
        {
            return (place, null);
        }

        using var turn = _aMinute.AttemptAcquire();
        if (turn.IsAcquired)
        {
            return (place, null);
        }

        place?.Dispose();
        return (null, TooMany("has used up its requests for this minute", turn.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.FromSeconds(1)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _atOnce?.Dispose();
        _aMinute?.Dispose();
    }

    private GatewayError TooMany(string what, TimeSpan wait) => new(StatusCodes.Status429TooManyRequests, "rate_limit_exceeded", $"The key '{Name}' {what}.") { RetryAfter = wait };
}
