using System.Globalization;

namespace MlxGateway.Benchmarks;

/// <summary>The memory of the proxy alone, its runner not counted: at rest, and after very many requests.</summary>
internal static class MemoryScenario
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        if (!OperatingSystem.IsLinux())
        {
            Report.Skipped("memory", "reads /proc");
            return;
        }

        var (ours, theirs) = (new Figures(), new Figures());
        await Conductor.InterleaveAsync(
            settings.Rounds,
            () => MeasureAsync(() => Contender.StartGatewayAsync(settings), settings, ours),
            () => MeasureAsync(() => Contender.StartForwarderAsync(settings), settings, theirs));

        var thousands = (settings.Pick(Figures.Many, Figures.Few) / 1000).ToString(CultureInfo.InvariantCulture);
        Report.Compare("PSS, idle, no request yet", "MB", ours.IdlePss, theirs.IdlePss);
        Report.Compare("RSS, idle, no request yet", "MB", ours.IdleRss, theirs.IdleRss);
        Report.Compare($"PSS after {thousands}k requests", "MB", ours.HalfPss, theirs.HalfPss);
        Report.Compare($"PSS after {thousands}k more", "MB", ours.EndPss, theirs.EndPss);
        Report.Compare($"RSS after {thousands}k more", "MB", ours.EndRss, theirs.EndRss);
        Report.Alone("growth in the second half", "ratio", ours.EndPss.Over(ours.HalfPss), "1.0 is flat");
    }

    private static async Task MeasureAsync(Func<Task<Contender>> startAsync, Settings settings, Figures figures)
    {
        await using var contender = await startAsync();
        await Task.Delay(Settle);
        figures.IdlePss.Add(ProcessMemory.Proportional(contender.Pid));
        figures.IdleRss.Add(ProcessMemory.Resident(contender.Pid));

        // Two halves of equal size: what the first one costs is warmth, what the second one costs is a leak.
        foreach (var pss in new[] { figures.HalfPss, figures.EndPss })
        {
            await contender.LoadAsync("--connections", "16", "--requests", $"{settings.Pick(Figures.Many, Figures.Few)}");
            await Task.Delay(Settle);
            pss.Add(ProcessMemory.Proportional(contender.Pid));
        }

        figures.EndRss.Add(ProcessMemory.Resident(contender.Pid));
    }

    private sealed class Figures
    {
        public const int Many = 100_000;
        public const int Few = 5_000;

        public Series IdlePss { get; } = new();

        public Series IdleRss { get; } = new();

        public Series HalfPss { get; } = new();

        public Series EndPss { get; } = new();

        public Series EndRss { get; } = new();
    }
}
