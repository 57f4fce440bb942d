using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// Law 3, second half: what a swap may cost, and for whom an idle model is kept.
public sealed class SwapExpectationTests
{
    [Theory]
    [InlineData(0.025, 2)]
    [InlineData(7, 7)]
    [InlineData(200, 60)]
    public void SwapPatience_Auto_IsTheNewcomersMeasuredLoadTimeWithinBounds(double loadSeconds, double patienceSeconds)
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.SwapPatience = null;
        bench.Serve("gemma", loadSeconds);
        bench.Ask("qwen");
        bench.Gone("gemma");
        bench.Ready("qwen");
        bench.Pass(1);
        var swapAt = bench.Now + TimeSpan.FromSeconds(patienceSeconds);
        bench.Ask("gemma");

        bench.PassAsWoken((swapAt - bench.Now).TotalSeconds - 0.001);
        Assert.Equal(ResidentState.Ready, bench["qwen"].State);
        bench.PassAsWoken(0.001);
        Assert.Equal(ResidentState.Draining, bench["qwen"].State);
    }

    [Fact]
    public void LeaseRequested_IdleModelsClientsComeBackSoonerThanASwapCosts_KeepsItForThem()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.SwapPatience = null;
        Settled(bench, gemmaLoad: 10, qwenGap: 2);

        // Twice the usual gap and half a second.
        Assert.Empty(bench.Ask("gemma").Effects);
        Assert.Empty(bench.PassAsWoken(4.4));
        Assert.Equal(["stop qwen 1"], bench.PassAsWoken(0.1));
    }

    [Fact]
    public void LeaseRequested_KeptModelsClientComesBack_IsServedAtOnceUntilPatienceIsOver()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.SwapPatience = null;
        Settled(bench, gemmaLoad: 10, qwenGap: 2);
        bench.Ask("gemma");
        for (var i = 0; i < 4; i++)
        {
            Assert.Empty(bench.PassAsWoken(2));
            Assert.Equal(["grant qwen 1"], bench.Ask("qwen").Effects);
            bench.Release("qwen");
        }

        Assert.Equal(["stop qwen 1"], bench.PassAsWoken(2));
    }

    [Fact]
    public void LeaseRequested_GapIsLongerThanTheSwap_KeepsNothing()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.SwapPatience = null;
        Settled(bench, gemmaLoad: 1, qwenGap: 1.5);

        // Patience is 2 s at least, but the swap costs 1 s: waiting for 1.5 s would save nothing.
        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
    }

    [Fact]
    public void LeaseRequested_NewcomerWasNeverLoaded_KeepsNothing()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.SwapPatience = null;
        bench.Serve("qwen");
        bench.Serve("qwen");
        Again(bench, "qwen", 0.1);

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
    }

    [Fact]
    public void LeaseRequested_ExplicitPatienceOfZero_KeepsNothing()
    {
        var bench = new LedgerBench(10, ("qwen", 6), ("gemma", 6));
        bench.Options.SwapPatience = TimeSpan.Zero;
        Settled(bench, gemmaLoad: 10, qwenGap: 2);

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
    }

    // Its own swap is always inside its gap, so it is never made to wait for itself; also where loads vary wildly.
    [Theory]
    [InlineData(0.025, 0.025, 0.025)]
    [InlineData(1, 0.025, 0.1)]
    [InlineData(30, 1, 8)]
    [InlineData(0.01, 0.5, 20)]
    public void LeaseRequested_OneClientAlternatesBetweenTwoModels_IsNeverDelayed(double firstLoad, double evenLoad, double oddLoad)
    {
        var bench = new LedgerBench(10, ("a", 6), ("b", 6));
        bench.Options.SwapPatience = null;
        for (var i = 0; i < 40; i++)
        {
            var (model, other) = i % 2 == 0 ? ("a", "b") : ("b", "a");
            var asked = bench.Ask(model);
            if (i > 0)
            {
                Assert.StartsWith($"stop {other} ", Assert.Single(asked.Effects), StringComparison.Ordinal);
                bench.Pass(0.01);
                Assert.StartsWith($"start {model} ", Assert.Single(bench.Gone(other)), StringComparison.Ordinal);
            }

            bench.Pass(i < 2 ? firstLoad : (i % 3 == 0 ? evenLoad : oddLoad));
            bench.Ready(model);
            bench.Pass(0.2);
            bench.Release(model);
        }
    }

    // The case that the law is made for: at a load of 10 s, expecting the clients back saves more than half of the swaps.
    [Fact]
    public void TwoAgents_OnTwoModelsThatDoNotFitTogether_SwapAtMostEverySecondRequest()
    {
        const int Turns = 60;
        var random = new Random(1);
        var bench = new LedgerBench(10, ("a", 6), ("b", 6));
        bench.Options.SwapPatience = null;
        var agenda = new PriorityQueue<Func<List<string>>, DateTimeOffset>();
        var loads = 0;
        var left = new Dictionary<string, int> { ["a"] = Turns, ["b"] = Turns };

        void In(double seconds, Func<List<string>> what) => agenda.Enqueue(what, bench.Now + TimeSpan.FromSeconds(seconds));
        double Between(double from, double to) => from + (random.NextDouble() * (to - from));
        void React(List<string> effects)
        {
            foreach (var words in effects.Select(e => e.Split(' ')))
            {
                var model = words[1];
                switch (words[0])
                {
                    case "start": loads++; In(10, () => bench.Ready(model)); break;
                    case "stop": In(0.05, () => bench.Gone(model)); break;
                    case "grant": In(Between(1, 6), () => Answer(model)); break;
                    default: Assert.Fail(string.Join(' ', words)); break;
                }
            }
        }

        List<string> Answer(string model)
        {
            if (--left[model] > 0)
            {
                In(Between(1, 3), () => bench.Ask(model).Effects);
            }

            return bench.Release(model);
        }

        In(1, () => bench.Ask("a").Effects);
        In(2, () => bench.Ask("b").Effects);
        while (agenda.Count > 0 || bench.Ledger.Waiting > 0)
        {
            var next = agenda.TryPeek(out _, out var at) ? at : DateTimeOffset.MaxValue;
            if (bench.Ledger.NextWake is { } wake && wake < next)
            {
                React(bench.PassAsWoken((wake - bench.Now).TotalSeconds));
            }
            else
            {
                React(bench.PassAsWoken((next - bench.Now).TotalSeconds));
                React(agenda.Dequeue()());
            }
        }

        Assert.Equal([0, 0], left.Values);
        TestContext.Current.TestOutputHelper!.WriteLine($"{loads} loads for {2 * Turns} requests");
        Assert.InRange(loads, 2, 60);
    }

    // gemma was loaded once, qwen's clients have a habit.
    private static void Settled(LedgerBench bench, double gemmaLoad, double qwenGap)
    {
        bench.Serve("gemma", gemmaLoad);
        bench.Ask("qwen");
        bench.Gone("gemma");
        bench.Ready("qwen");
        bench.Release("qwen");
        for (var i = 0; i < 5; i++)
        {
            Again(bench, "qwen", qwenGap);
        }
    }

    private static void Again(LedgerBench bench, string model, double gap)
    {
        bench.Pass(gap);
        Assert.StartsWith($"grant {model}", Assert.Single(bench.Ask(model).Effects), StringComparison.Ordinal);
        bench.Release(model);
    }
}
