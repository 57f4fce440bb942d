namespace MlxGateway.Benchmarks;

/// <summary>A body of 20 MB, an image as base64: the time, what the proxy allocates for it, and how far its memory rises.</summary>
internal static class LargeBodyScenario
{
    private const int Size = 20 << 20;

    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        await using var gateway = await Contender.StartGatewayAsync(settings);
        await using var forwarder = await Contender.StartForwarderAsync(settings, gateway);
        var (ours, theirs) = (new Figures(), new Figures());
        await Conductor.InterleaveAsync(settings.Rounds, () => MeasureAsync(gateway, settings, ours), () => MeasureAsync(forwarder, settings, theirs));

        Report.Compare("20 MB body, p50", "ms", ours.Time, theirs.Time);
        Report.Alone("20 MB body, allocated over its size", "ratio", ours.Allocated, $"{theirs.Allocated.Median:0.000}");
        if (OperatingSystem.IsLinux())
        {
            Report.Compare("20 MB body, rise of peak RSS", "MB", ours.Rise, theirs.Rise);
        }
    }

    private static async Task MeasureAsync(Contender contender, Settings settings, Figures figures)
    {
        var requests = settings.Pick(15, 3);
        await contender.LoadAsync("--body", $"{Size}", "--requests", $"{settings.Pick(5, 2)}");
        var before = OperatingSystem.IsLinux() ? ProcessMemory.Resident(contender.Pid) : 0;
        if (OperatingSystem.IsLinux())
        {
            ProcessMemory.ForgetPeak(contender.Pid);
        }

        var allocated = await AllocationHook.AllocatedAsync(contender.AllocationSocket);
        var result = await contender.LoadAsync("--body", $"{Size}", "--requests", $"{requests}");
        figures.Time.Add(result.MedianMicroseconds / 1000);
        figures.Allocated.Add((await AllocationHook.AllocatedAsync(contender.AllocationSocket) - allocated) / (double)requests / Size);
        if (OperatingSystem.IsLinux())
        {
            figures.Rise.Add(Math.Max(ProcessMemory.Peak(contender.Pid) - before, 0.01));
        }
    }

    private sealed class Figures
    {
        public Series Time { get; } = new();

        public Series Allocated { get; } = new();

        public Series Rise { get; } = new();
    }
}
