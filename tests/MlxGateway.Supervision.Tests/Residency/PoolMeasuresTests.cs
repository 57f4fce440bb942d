using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

/// <summary>What is measured of what the pool decided and did. Other tests have pools in this process as well, so the models here have names of their own.</summary>
public sealed class PoolMeasuresTests : IDisposable
{
    private readonly string _run = Guid.NewGuid().ToString("N");
    private readonly ManualTimeProvider _time = new();
    private readonly PoolMeasures _measures;
    private readonly MeterListener _listener = new();
    private readonly ConcurrentQueue<(string Instrument, string Model, string Word, double Value)> _heard = new();

    public PoolMeasuresTests()
    {
        _measures = new PoolMeasures(_time);
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Meter.Name == PoolMeasureNames.Source)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Hear(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Hear(instrument, value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public void Swap_OfTwoVictims_IsOneSwapAndTwoEvictions()
    {
        Decide(new TimeElapsed(), [Evicted("a", "c"), Evicted("b", "c")], Stop("a"), Stop("b"));
        Decide(new TimeElapsed(), [Decided(DecisionKind.Launched, "c")], Start("c"));

        Assert.Equal([("evictions", "a", "swap", 1), ("evictions", "b", "swap", 1), ("swaps", "c", "", 1)], Heard());
    }

    [Fact]
    public void Swap_WhoseVictimIsSpared_IsNone()
    {
        Decide(new TimeElapsed(), [Evicted("a", "b")]);
        Decide(new TimeElapsed(), [Decided(DecisionKind.Spared, "a", "b")]);
        Decide(new TimeElapsed(), [Decided(DecisionKind.Launched, "b")], Start("b"));
        Decide(new TimeElapsed(), [Decided(DecisionKind.IdledOut, "a")], Stop("a"));

        Assert.Equal([("evictions", "a", "idle", 1)], Heard());
    }

    // There is room for both after all, which is said together with the launch.
    [Fact]
    public void Swap_WhoseVictimIsSparedAtTheLaunch_IsNone()
    {
        Decide(new TimeElapsed(), [Evicted("a", "b")]);
        Decide(new TimeElapsed(), [Decided(DecisionKind.Launched, "b"), Decided(DecisionKind.Spared, "a", "b")], Start("b"));

        Assert.Empty(Heard());
    }

    [Fact]
    public void Launch_LastsFromTheOrderToTheNews()
    {
        Decide(new TimeElapsed(), [], Start("a", 2));
        _time.Advance(TimeSpan.FromSeconds(3));
        Decide(new LaunchSucceeded(Name("a"), 1, new FakeRunner()), []); // of an earlier launch
        _time.Advance(TimeSpan.FromSeconds(4));
        Decide(new LaunchSucceeded(Name("a"), 2, new FakeRunner()), []);

        Assert.Equal([("launch.duration", "a", "ready", 7)], Heard());
    }

    [Fact]
    public void Launch_Fails_IsNoEviction()
    {
        Decide(new TimeElapsed(), [], Start("a"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Decide(new LaunchFailed(Name("a"), 1, "no"), [Decided(DecisionKind.Failed, "a")]);
        Decide(new TimeElapsed(), [], Start("a", 2));
        Decide(new LaunchSucceeded(Name("a"), 2, new FakeRunner()), []);
        Decide(new TimeElapsed(), [], Stop("a", 2));

        Assert.Equal([("launch.duration", "a", "failed", 1), ("launch.duration", "a", "ready", 0), ("evictions", "a", "shutdown", 1)], Heard());
    }

    [Fact]
    public void Launch_TakesTooLong_HasFailedAndWasNeverThere()
    {
        Decide(new TimeElapsed(), [], Start("a"));
        Decide(new TimeElapsed(), [Decided(DecisionKind.Failed, "a")], Stop("a"));

        Assert.Equal([("launch.duration", "a", "failed", 0)], Heard());
    }

    [Fact]
    public void Launch_IsCalledOff_SaysWhy()
    {
        Decide(new TimeElapsed(), [], Start("a"));
        Decide(new TimeElapsed(), [Decided(DecisionKind.Unloaded, "a")], Stop("a"));

        Assert.Equal([("launch.duration", "a", "cancelled", 0), ("evictions", "a", "unload", 1)], Heard());
    }

    [Fact]
    public void Departures_HaveTheReasonOfTheLastDecision()
    {
        Decide(new TimeElapsed(), [Evicted("a", "z")]);
        Decide(new TimeElapsed(), [Decided(DecisionKind.Unloaded, "a")], Stop("a"));
        Decide(new TimeElapsed(), [Decided(DecisionKind.Failed, "b")], Stop("b"));
        Decide(new TimeElapsed(), [], new DetachRunner(Name("c"), 1, HasServed: true), Stop("d"));

        // One that an earlier gateway kept and that has no place here says nothing of the one that is here.
        Decide(new TimeElapsed(), [Decided(DecisionKind.Unloaded, "e")], new DismissRunner(Name("e"), new FakeRunner()));
        Decide(new TimeElapsed(), [], Stop("e"));

        Assert.Equal([("a", "unload"), ("b", "failure"), ("c", "kept"), ("d", "shutdown"), ("e", "shutdown")], Heard().Select(static h => (h.Model, h.Word)));
    }

    [Fact]
    public void Ledger_TellsEveryDecisionOfAnEventAndOfThatAlone()
    {
        var bench = new LedgerBench(10, ("a", 4));
        bench.Ask("a");
        Assert.Equal([DecisionKind.Launched], bench.Ledger.Fresh.Select(static d => d.Kind));

        bench.Ready("a");
        Assert.Empty(bench.Ledger.Fresh);
    }

    private string Name(string model) => $"{model}-{_run}";

    private Decision Decided(DecisionKind kind, string model, string? forWhom = null) => new(_time.GetUtcNow(), kind, Name(model), forWhom is null ? null : Name(forWhom), "");

    private Decision Evicted(string model, string forWhom) => Decided(DecisionKind.Evicted, model, forWhom);

    private StartRunner Start(string model, int launch = 1) => new(new ModelSpec { Id = Name(model), Runner = "fake" }, MlxGateway.Supervision.Models.LaunchShape.Free, launch);

    private StopRunner Stop(string model, int launch = 1) => new(Name(model), launch, HasServed: true);

    private void Decide(ResidencyEvent happened, Decision[] decisions, params ResidencyEffect[] effects) => _measures.Note(happened, decisions, effects);

    private void Hear(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var texts = tags.ToArray().ToDictionary(static t => t.Key, static t => (string)t.Value!, StringComparer.Ordinal);
        if (texts[PoolMeasureNames.Model].EndsWith(_run, StringComparison.Ordinal))
        {
            _heard.Enqueue((instrument.Name["mlxgateway.model.".Length..], texts[PoolMeasureNames.Model].Split('-')[0], texts.GetValueOrDefault(PoolMeasureNames.Reason) ?? texts.GetValueOrDefault(PoolMeasureNames.Outcome) ?? "", value));
        }
    }

    private IEnumerable<(string Instrument, string Model, string Word, double Value)> Heard() => _heard.Select(static h => h with { Value = Math.Round(h.Value, 3) });
}
