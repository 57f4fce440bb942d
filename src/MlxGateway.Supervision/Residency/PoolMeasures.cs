using System.Diagnostics;
using System.Diagnostics.Metrics;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// Measures what the pool does, by the runtime's own instruments: whoever wants to know listens to them, by their name, and where nobody listens it costs a look. Only the pool's loop
/// calls it, behind each event, with what was decided and is carried out because of it.
/// </summary>
internal sealed class PoolMeasures(TimeProvider time)
{
    private static readonly ActivitySource Spans = new(PoolMeasureNames.Source);
    private static readonly Meter Meter = new(PoolMeasureNames.Source);

    private static readonly Histogram<double> Launches = Meter.CreateHistogram(
        "mlxgateway.model.launch.duration", "s", "From the order to launch a model until it was ready, or the launch was over otherwise.", [],
        new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640] });

    private static readonly Counter<long> Swaps = Meter.CreateCounter<long>("mlxgateway.model.swaps", "{swap}", "Launches in the place of models that were sent away for them.");

    private static readonly Counter<long> Evictions = Meter.CreateCounter<long>("mlxgateway.model.evictions", "{model}", "Models that left memory, by the reason.");

    // Why a model is on its way out: the last decision about it. Nothing: the gateway stops.
    private readonly Dictionary<string, DecisionKind> _leaving = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _victims = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Runner, int Launch, long Begun)> _launching = new(StringComparer.Ordinal);

    /// <summary>Whether anybody listens.</summary>
    public static bool IsHeard => Launches.Enabled || Swaps.Enabled || Evictions.Enabled;

    /// <summary>The span of a launch, a trace of its own: it belongs to the model and not to a request. Null where nobody traces.</summary>
    public static Activity? BeginLaunch(ModelSpec model, int launch)
    {
        if (!Spans.HasListeners())
        {
            return null;
        }

        var span = Spans.StartActivity($"launch {model.Id}");
        span?.SetTag(PoolMeasureNames.Model, model.Id);
        span?.SetTag(PoolMeasureNames.Runner, model.Runner);
        span?.SetTag("mlxgateway.launch", launch);
        return span;
    }

    /// <summary>Takes in what one event led to.</summary>
    public void Note(ResidencyEvent happened, IReadOnlyList<Decision> decisions, IReadOnlyList<ResidencyEffect> effects)
    {
        if (!IsHeard)
        {
            return;
        }

        for (var i = 0; i < decisions.Count; i++)
        {
            Note(decisions[i]);
        }

        if (happened is ResidencyEvent.LaunchSucceeded succeeded)
        {
            EndLaunch(succeeded.Model, succeeded.Launch, "ready");
        }
        else if (happened is ResidencyEvent.LaunchFailed failed && EndLaunch(failed.Model, failed.Launch, "failed"))
        {
            _leaving.Remove(failed.Model);
        }

        for (var i = 0; i < effects.Count; i++)
        {
            Note(effects[i]);
        }
    }

    private void Note(Decision decision)
    {
        switch (decision.Kind)
        {
            case DecisionKind.Evicted:
                _leaving[decision.Model] = decision.Kind;
                (_victims.TryGetValue(decision.For!, out var victims) ? victims : _victims[decision.For!] = new(StringComparer.Ordinal)).Add(decision.Model);
                break;

            case DecisionKind.Spared:
                _leaving.Remove(decision.Model);
                if (_victims.TryGetValue(decision.For!, out var others) && others.Remove(decision.Model) && others.Count == 0)
                {
                    _victims.Remove(decision.For!);
                }

                break;

            case DecisionKind.IdledOut or DecisionKind.Unloaded or DecisionKind.Failed:
                _leaving[decision.Model] = decision.Kind;
                break;
        }
    }

    private void Note(ResidencyEffect effect)
    {
        switch (effect)
        {
            case ResidencyEffect.StartRunner e:
                _launching[e.Model.Id] = (e.Model.Runner, e.Launch, time.GetTimestamp());
                _leaving.Remove(e.Model.Id);
                if (_victims.Remove(e.Model.Id))
                {
                    Swaps.Add(1, new KeyValuePair<string, object?>(PoolMeasureNames.Model, e.Model.Id));
                }

                break;

            case ResidencyEffect.StopRunner e:
                Leave(e.Model, e.Launch, isKept: false);
                break;

            case ResidencyEffect.DetachRunner e:
                Leave(e.Model, e.Launch, isKept: true);
                break;

            case ResidencyEffect.DismissRunner e:
                _leaving.Remove(e.Model); // it was never among those that are here
                break;
        }
    }

    private void Leave(string model, int launch, bool isKept)
    {
        _leaving.Remove(model, out var why);
        if (EndLaunch(model, launch, why is DecisionKind.Failed ? "failed" : "cancelled") && why is DecisionKind.Failed)
        {
            return; // it took too long to launch, and was never there
        }

        Evictions.Add(1, new(PoolMeasureNames.Model, model), new(PoolMeasureNames.Reason, isKept ? "kept" : why switch
        {
            DecisionKind.Evicted => "swap",
            DecisionKind.IdledOut => "idle",
            DecisionKind.Unloaded => "unload",
            DecisionKind.Failed => "failure",
            _ => "shutdown",
        }));
    }

    private bool EndLaunch(string model, int launch, string outcome)
    {
        if (!_launching.TryGetValue(model, out var begun) || begun.Launch != launch)
        {
            return false;
        }

        _launching.Remove(model);
        Launches.Record(time.GetElapsedTime(begun.Begun).TotalSeconds, new(PoolMeasureNames.Model, model), new(PoolMeasureNames.Runner, begun.Runner), new(PoolMeasureNames.Outcome, outcome));
        return true;
    }
}
