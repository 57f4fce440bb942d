using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// What a gateway leaves to the next one, and what it has from the one before.
public sealed class KeepTests
{
    [Fact]
    public void ShutDown_WithKeep_KeepsTheReadyAndStopsTheLaunching()
    {
        var bench = Keeping(("qwen", 4), ("gemma", 4));
        bench.Serve("qwen");
        bench.Ask("gemma");

        Assert.Equal(["refuse gemma ShuttingDown", "stop gemma 1", "keep qwen 1"], Sorted(bench.Apply(new ShutdownRequested(TimeSpan.FromSeconds(5)))));

        Assert.Empty(bench.Gone("gemma"));
        Assert.Equal(["CompleteShutdown"], bench.Gone("qwen"));
    }

    [Fact]
    public void ShutDown_WithKeepAndARunningRequest_GivesItItsTimeAndThenKeeps()
    {
        var bench = Keeping(("qwen", 4));
        var asked = bench.Ask("qwen");
        bench.Ready("qwen");

        Assert.Empty(bench.Apply(new ShutdownRequested(TimeSpan.FromSeconds(5))));
        Assert.Empty(bench.PassAsWoken(4.9));
        Assert.Equal(["revoke qwen 1 ShuttingDown", "keep qwen 1"], bench.PassAsWoken(0.1));
        Assert.Equal(RevocationReason.ShuttingDown, asked.Lease.Revocation.Reason);
    }

    // The pool asks a second time when the host goes.
    [Fact]
    public void ShutDown_OrderedTwice_KeepsAllTheSame()
    {
        var bench = Keeping(("qwen", 4));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Apply(new ShutdownRequested(TimeSpan.FromSeconds(5)));

        Assert.Equal(["revoke qwen 1 ShuttingDown", "keep qwen 1"], bench.Apply(new ShutdownRequested(TimeSpan.Zero)));
    }

    [Fact]
    public void ShutDown_WithKeep_KeepsAVictimWhoseNewcomerNeverComes()
    {
        var bench = Keeping(("qwen", 6), ("gemma", 6));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Ask("gemma");
        bench.Pass(6);
        Assert.Equal(ResidentState.Draining, bench["qwen"].State);

        Assert.Equal(["refuse gemma ShuttingDown"], bench.Apply(new ShutdownRequested(TimeSpan.FromSeconds(5))));
        Assert.Equal(["keep qwen 1"], bench.Release("qwen"));
    }

    [Fact]
    public void ShutDown_WithKeep_StopsWhatSomebodyWantedGone()
    {
        var bench = Keeping(("qwen", 4), ("gemma", 4));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Unload("qwen", out _);
        bench.Ask("gemma");
        bench.Ready("gemma");
        bench.Apply(new ShutdownRequested(TimeSpan.FromSeconds(5)));
        bench.Unload("gemma", out _);

        Assert.Equal(["stop qwen 1"], bench.Release("qwen"));
        Assert.Equal(["stop gemma 1"], bench.Release("gemma"));
    }

    [Fact]
    public void ShutDown_WithKeep_StopsWhatDiesMeanwhile()
    {
        var bench = Keeping(("qwen", 4));
        bench.Ask("qwen");
        bench.Ready("qwen");
        bench.Apply(new ShutdownRequested(TimeSpan.FromSeconds(5)));

        Assert.Equal(["revoke qwen 1 RunnerGone", "stop qwen 1"], bench.Die("qwen"));
    }

    [Fact]
    public void Unload_OrSwap_WithKeep_StillStops()
    {
        var bench = Keeping(("qwen", 6), ("gemma", 6));
        bench.Serve("qwen");

        Assert.Equal(["stop qwen 1"], bench.Ask("gemma").Effects);
    }

    [Fact]
    public void RunnerAdopted_IsReadyAtOnceAndServesWithoutALoad()
    {
        var bench = Keeping(("qwen", 4));

        Assert.Equal(["watch qwen 1"], bench.Adopt("qwen"));

        Assert.Equal(ResidentState.Ready, bench["qwen"].State);
        Assert.Equal(bench.Need("qwen").Total, bench["qwen"].Need.Total);
        Assert.Equal(DecisionKind.Adopted, bench.Ledger.Decisions[^1].Kind);
        Assert.Contains("process 7", bench.Ledger.Decisions[^1].Reason, StringComparison.Ordinal);
        Assert.Equal(["grant qwen 1"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void RunnerAdopted_MakesRoomAndIdlesOutLikeAnyOther()
    {
        var bench = Keeping(("qwen", 6), ("gemma", 6));
        bench.Options.IdleTimeout = TimeSpan.FromSeconds(100);
        bench.Adopt("qwen");

        Assert.Empty(bench.PassAsWoken(99));
        Assert.Equal(["stop qwen 1"], bench.PassAsWoken(1));
        bench.Gone("qwen");
        Assert.Equal(["watch qwen 2"], bench.Adopt("qwen"));
        Assert.Equal(["stop qwen 2"], bench.Ask("gemma").Effects);
    }

    [Fact]
    public void RunnerAdopted_ThatDies_IsLaunchedForWhoeverAsks()
    {
        var bench = Keeping(("qwen", 6));
        bench.Adopt("qwen");

        Assert.Equal(["revoke qwen 1 RunnerGone", "stop qwen 1"], bench.Die("qwen"));
        bench.Gone("qwen");
        Assert.Equal(["start qwen 2"], bench.Ask("qwen").Effects);
    }

    [Fact]
    public void RunnerAdopted_BeyondTheSettingsOfToday_IsDismissed()
    {
        var bench = Keeping(("qwen", 4), ("gemma", 4), ("huge", 40));
        bench.Options.MaxResident = 1;
        bench.Adopt("qwen");

        Assert.Equal(["dismiss gemma"], bench.Adopt("gemma"));
        Assert.Equal(["dismiss qwen"], bench.Adopt("qwen"));
        bench.Options.MaxResident = 0;
        Assert.Equal(["dismiss huge"], bench.Adopt("huge"));

        Assert.Equal(ResidentState.Absent, bench["huge"].State);
        Assert.Equal(ResidentState.Ready, bench["qwen"].State);
    }

    private static LedgerBench Keeping(params (string, double)[] models)
    {
        var bench = new LedgerBench(10, models);
        bench.Options.OnExit = OnExit.Keep;
        return bench;
    }

    private static List<string> Sorted(List<string> effects) => [.. effects.OrderBy(e => e.StartsWith("keep", StringComparison.Ordinal))];
}
