namespace MlxGateway.Benchmarks;

/// <summary>The time to the whole answer at one connection, with a body of 2 KB and a warm model, whole and streamed.</summary>
internal static class LatencyScenario
{
    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        await using var gateway = await Contender.StartGatewayAsync(settings);
        await using var forwarder = await Contender.StartForwarderAsync(settings, gateway);
        foreach (var (name, flag) in new[] { ("one connection", Array.Empty<string>()), ("one connection, streamed", ["--stream"]) })
        {
            await gateway.LoadAsync(["--connections", "4", "--requests", $"{settings.Pick(10_000, 1_000)}", .. flag]);
            await forwarder.LoadAsync(["--connections", "4", "--requests", $"{settings.Pick(10_000, 1_000)}", .. flag]);
            var (ours, theirs, ourTail, theirTail) = (new Series(), new Series(), new Series(), new Series());
            await Conductor.InterleaveAsync(settings.Rounds, () => MeasureAsync(gateway, ours, ourTail), () => MeasureAsync(forwarder, theirs, theirTail));
            Report.Compare($"p50, {name}", "µs", ours, theirs);
            Report.Compare($"p99, {name}", "µs", ourTail, theirTail);

            async Task MeasureAsync(Contender contender, Series median, Series tail)
            {
                var result = await contender.LoadAsync(["--connections", "1", "--warmup", "300", "--requests", $"{settings.Pick(5_000, 500)}", .. flag]);
                median.Add(result.MedianMicroseconds);
                tail.Add(result.TailMicroseconds);
            }
        }
    }
}
