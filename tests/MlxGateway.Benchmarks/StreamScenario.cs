namespace MlxGateway.Benchmarks;

/// <summary>Streams at the pace of a model: how much later the client has each token, and the processor time that it costs.</summary>
internal static class StreamScenario
{
    private const int Gap = 10; // milliseconds: 100 tokens a second

    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        await using var gateway = await Contender.StartGatewayAsync(settings);
        await using var forwarder = await Contender.StartForwarderAsync(settings, gateway);

        // The runtime compiles what is used often once more, on threads of its own.
        foreach (var contender in (Contender[])[gateway, forwarder])
        {
            await contender.StreamAsync(50, settings.Pick(800, 100), Gap, 0);
        }

        foreach (var streams in (int[])[1, 200])
        {
            var (ours, theirs) = (new Figures(), new Figures());
            await Conductor.InterleaveAsync(settings.Rounds, () => MeasureAsync(gateway, ours), () => MeasureAsync(forwarder, theirs));

            var name = streams == 1 ? "1 stream" : $"{streams} streams";
            Report.Compare($"{name} of 100/s, tokens a second", "1/s", ours.Rate, theirs.Rate);
            Report.Compare($"{name}, delay of a token, p50", "µs", ours.Median, theirs.Median);
            Report.Compare($"{name}, delay of a token, p99", "µs", ours.Tail, theirs.Tail);
            Report.Alone($"{name}, p99 over the forwarder's", "µs", ours.Tail.Less(theirs.Tail), "goal: 1000");
            Report.Compare($"{name}, CPU of a token", "µs", ours.Cpu, theirs.Cpu);
            Report.Alone($"{name}, CPU over the forwarder's", "µs", ours.Cpu.Less(theirs.Cpu), "goal: 20");

            async Task MeasureAsync(Contender contender, Figures figures)
            {
                var result = await contender.StreamAsync(streams, settings.Pick(800, 200), Gap, settings.Pick(150, 50));
                figures.Rate.Add(result.PerSecond);
                figures.Median.Add(result.MedianMicroseconds);
                figures.Tail.Add(result.TailMicroseconds);
                figures.Cpu.Add(result.CpuMicroseconds);
            }
        }
    }

    private sealed class Figures
    {
        public Series Rate { get; } = new();

        public Series Median { get; } = new();

        public Series Tail { get; } = new();

        public Series Cpu { get; } = new();
    }
}
