namespace MlxGateway.Benchmarks;

/// <summary>Answers a second at 16 connections, with a body of 2 KB and a warm model, whole and streamed.</summary>
internal static class ThroughputScenario
{
    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        await using var gateway = await Contender.StartGatewayAsync(settings);
        await using var forwarder = await Contender.StartForwarderAsync(settings, gateway);
        foreach (var (name, stream) in new[] { ("throughput, 16 connections", false), ("throughput, 16 connections, streamed", true) })
        {
            var (ours, theirs) = (new Series(), new Series());
            await WarmAsync(gateway, stream);
            await WarmAsync(forwarder, stream);
            await Conductor.InterleaveAsync(settings.Rounds, () => MeasureAsync(gateway, ours), () => MeasureAsync(forwarder, theirs));
            Report.Compare(name, "req/s", ours, theirs);

            // The runtime compiles what is used often once more; without this the first rounds would measure the compiler.
            Task WarmAsync(Contender contender, bool streamed) => contender.LoadAsync(["--connections", "16", "--requests", $"{settings.Pick(10_000, 1_000)}", .. Flag(streamed)]);

            async Task MeasureAsync(Contender contender, Series series) => series.Add(
                (await contender.LoadAsync(["--connections", "16", "--warmup", "500", "--milliseconds", $"{settings.Pick(4_000, 1_000)}", .. Flag(stream)])).PerSecond);
        }
    }

    private static string[] Flag(bool stream) => stream ? ["--stream"] : [];
}
