using System.Globalization;
using System.Runtime.CompilerServices;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>
/// The requests under which a runner died lately. Agents send a request whose stream broke again at once, many times a minute, and what ended the runner once ends it again, for
/// everybody. So a request is refused once the runner died under it twice, at least once of that under it alone, or three times in any company, until <see cref="Memory"/> has
/// passed since the last of these deaths.
/// </summary>
internal sealed class SuspectRequests(TimeProvider time)
{
    /// <summary>How long deaths are held against a request, counted from the last one.</summary>
    internal static readonly TimeSpan Memory = TimeSpan.FromMinutes(10);

    /// <summary>How many requests are remembered; the one whose last death is the longest ago goes first.</summary>
    internal const int Most = 256;

    private const int DeathsAlone = 2;
    private const int DeathsInCompany = 3;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Death>> _deaths = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<IRunner, RunnerCompany> _companies = [];
    private volatile bool _isEmpty = true;

    /// <summary>Those who are with this runner.</summary>
    public RunnerCompany CompanyOf(IRunner runner) => _companies.GetOrCreateValue(runner);

    /// <summary>The runner died, and this request was with it. Several copies of it at one death count once.</summary>
    public void Note(string model, InferenceRequest request, RunnerCompany company, string how)
    {
        var death = new Death(company, time.GetTimestamp(), company.AtDeath() == 1, how);
        var identity = request.IdentityFor(model);
        lock (_lock)
        {
            Forget_NeedsLock();
            if (!_deaths.TryGetValue(identity, out var deaths))
            {
                if (_deaths.Count == Most)
                {
                    _deaths.Remove(_deaths.MinBy(d => d.Value[^1].At).Key);
                }

                _deaths.Add(identity, deaths = []);
            }

            if (!deaths.Exists(d => d.Company == company))
            {
                deaths.Add(death);
            }

            _isEmpty = false;
        }
    }

    /// <summary>Why the request is not served; null: it is. Costs nothing as long as no runner has died under a request lately.</summary>
    public GatewayError? Refuse(string model, InferenceRequest request)
    {
        if (_isEmpty)
        {
            return null;
        }

        var identity = request.IdentityFor(model);
        lock (_lock)
        {
            Forget_NeedsLock();
            return _deaths.TryGetValue(identity, out var deaths) && IsProven(deaths) ? Refusal(model, deaths) : null;
        }
    }

    private static bool IsProven(List<Death> deaths) => deaths.Count >= DeathsInCompany || (deaths.Count >= DeathsAlone && deaths.Exists(d => d.WasAlone));

    private GatewayError Refusal(string model, List<Death> deaths)
    {
        var left = Memory - time.GetElapsedTime(deaths[^1].At);
        return new GatewayError(StatusCodes.Status400BadRequest, "request_breaks_runner", string.Create(
            CultureInfo.InvariantCulture,
            $"The runner of model '{model}' broke {deaths.Count} times while it worked on exactly this request, last: {deaths[^1].How.TrimEnd('.')}. The request is not tried again for {Math.Ceiling(left.TotalMinutes):0} min, because it ends the model for everybody; change it, or ask another model."));
    }

    private void Forget_NeedsLock()
    {
        foreach (var (identity, deaths) in _deaths)
        {
            if (time.GetElapsedTime(deaths[^1].At) >= Memory)
            {
                _deaths.Remove(identity);
            }
        }

        _isEmpty = _deaths.Count == 0;
    }

    private readonly record struct Death(RunnerCompany Company, long At, bool WasAlone, string How);
}
