using System.Text.Json.Nodes;

namespace MlxGateway.Benchmarks;

/// <summary>Large bodies, an image as base64 in JSON and a recording in a form: the time, what the proxy works and allocates for them, how far its memory rises, and that nothing stays on disk.</summary>
internal static class LargeBodyScenario
{
    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        await CompareAsync(settings, "20 MB of JSON", 20 << 20, isForm: false, settings.Pick(15, 3));
        await CompareAsync(settings, "100 MB of JSON", 100 << 20, isForm: false, settings.Pick(5, 2));
        await CompareAsync(settings, "100 MB in a form", 100 << 20, isForm: true, settings.Pick(5, 2));
    }

    private static async Task CompareAsync(Settings settings, string name, int size, bool isForm, int requests)
    {
        var (ours, theirs) = (new Figures(), new Figures());
        for (var round = 0; round < settings.Rounds; round++)
        {
            // New ones for each round: what a first large body took from the system would be there already for the second.
            await using var gateway = await Contender.StartGatewayAsync(settings, new JsonObject { ["Limits"] = new JsonObject { ["RequestBody"] = "128MB" } }, withBench: true);
            await using var forwarder = await Contender.StartForwarderAsync(settings, gateway);
            var turns = new[] { (Who: gateway, Figures: ours), (Who: forwarder, Figures: theirs) };
            foreach (var (who, figures) in round % 2 == 0 ? turns : turns.Reverse())
            {
                await MeasureAsync(who, size, isForm, requests, figures);
            }

            gateway.CheckUploadsAreGone();
        }

        Report.Compare($"{name}, p50", "ms", ours.Time, theirs.Time);
        Report.Compare($"{name}, CPU of the proxy", "ms", ours.Cpu, theirs.Cpu);
        Report.Alone($"{name}, allocated over its size", "ratio", ours.Allocated, $"{theirs.Allocated.Median:0.000}");
        if (OperatingSystem.IsLinux())
        {
            Report.Compare($"{name}, rise of peak RSS", "MB", ours.Rise, theirs.Rise);
            Report.Alone($"{name}, the same over its size", "ratio", ours.Rise.By(size / (double)(1 << 20)));
        }
    }

    private static async Task MeasureAsync(Contender contender, int size, bool isForm, int requests, Figures figures)
    {
        string[] kind = isForm ? ["--form"] : [];

        // Small bodies of the same kind first, so that what rises is what the large ones need.
        await contender.LoadAsync(["--body", "65536", "--requests", "300", .. kind]);
        var before = OperatingSystem.IsLinux() ? ProcessMemory.Resident(contender.Pid) : 0;
        if (OperatingSystem.IsLinux())
        {
            ProcessMemory.ForgetPeak(contender.Pid);
        }

        await contender.LoadAsync(["--body", $"{size}", "--requests", "2", .. kind]);
        var allocated = await AllocationHook.AllocatedAsync(contender.AllocationSocket);
        var cpu = contender.ProcessorTime;
        var result = await contender.LoadAsync(["--body", $"{size}", "--requests", $"{requests}", .. kind]);
        figures.Cpu.Add((contender.ProcessorTime - cpu).TotalMilliseconds / requests);
        figures.Time.Add(result.MedianMicroseconds / 1000);
        figures.Allocated.Add((await AllocationHook.AllocatedAsync(contender.AllocationSocket) - allocated) / (double)requests / size);
        if (OperatingSystem.IsLinux())
        {
            figures.Rise.Add(Math.Max(ProcessMemory.Peak(contender.Pid) - before, 0.01));
        }
    }

    private sealed class Figures
    {
        public Series Time { get; } = new();

        public Series Cpu { get; } = new();

        public Series Allocated { get; } = new();

        public Series Rise { get; } = new();
    }
}
