using System.Runtime.InteropServices;
using MlxGateway.Supervision.Tests.Residency.Worth;

namespace MlxGateway.Benchmarks;

/// <summary>Runs the scenarios that were asked for, one after another.</summary>
internal static class Conductor
{
    private static readonly (string Name, Func<Settings, Task> RunAsync)[] Scenarios =
    [
        ("throughput", ThroughputScenario.RunAsync),
        ("latency", LatencyScenario.RunAsync),
        ("memory", MemoryScenario.RunAsync),
        ("body", LargeBodyScenario.RunAsync),
        ("streams", StreamScenario.RunAsync),
        ("swap", SwapScenario.RunAsync),
        ("models", ModelsScenario.RunAsync),
        ("telemetry", TelemetryScenario.RunAsync),
    ];

    /// <summary>Measures and prints.</summary>
    public static async Task<int> RunAsync(Arguments arguments)
    {
        if (arguments.Has("help"))
        {
            Console.WriteLine($"--only {string.Join(',', Scenarios.Select(s => s.Name))},worth   --rounds N (5)   --quick   --gateway FILE.dll");
            return 0;
        }

        var quick = arguments.Has("quick");
        var rounds = arguments.Number("rounds", quick ? 1 : 5);
        var only = arguments.Text("only")?.Split(',');
        var gateway = arguments.Text("gateway") ?? OwnGateway();
        arguments.NoMore();
        if (only is ["worth"])
        {
            // Nothing is measured: it is virtual time, and the same table on every machine.
            Console.Write(WorthTable.Write());
            return 0;
        }

        if (rounds < 1 || only?.Except(Scenarios.Select(s => s.Name)).FirstOrDefault() is not null)
        {
            throw new FormatException($"--rounds wants 1 or more; --only wants some of {string.Join(", ", Scenarios.Select(s => s.Name))}");
        }

        if (!File.Exists(gateway))
        {
            throw new FormatException($"there is no gateway at {gateway}");
        }

        var folder = Directory.CreateTempSubdirectory("bench").FullName;
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => End(signal, folder));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => End(signal, folder));
        try
        {
            Report.Begin(rounds);
            var failed = false;
            foreach (var (name, runAsync) in Scenarios.Where(s => only is null || only.Contains(s.Name)))
            {
                try
                {
                    await runAsync(new Settings(rounds, quick, gateway, folder));
                }
                catch (Exception error)
                {
                    failed = true;
                    await Console.Error.WriteLineAsync($"{name}: {error.Message}");
                }
            }

            Report.End();
            return failed ? 1 : 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Runs two measurements in each round, the one that goes first taking turns: what grows warm or busy meanwhile then hits both alike.</summary>
    public static async Task InterleaveAsync(int rounds, Func<Task> first, Func<Task> second)
    {
        for (var round = 0; round < rounds; round++)
        {
            await (round % 2 == 0 ? first : second)();
            await (round % 2 == 0 ? second : first)();
        }
    }

    // Whoever ends this program in the middle must not be left with a load generator and a gateway.
    private static void End(PosixSignalContext signal, string folder)
    {
        signal.Cancel = true;
        Child.StopAll();
        Directory.Delete(folder, recursive: true);
        Environment.Exit(1);
    }

    private static string OwnGateway()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "MlxGateway.sln")))
        {
            folder = folder.Parent;
        }

        // The same configuration as this program's own: …/bin/Release/net10.0/.
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(folder?.FullName ?? "", "src", "MlxGateway", "bin", own.Parent!.Name, own.Name, "MlxGateway.dll");
    }
}
