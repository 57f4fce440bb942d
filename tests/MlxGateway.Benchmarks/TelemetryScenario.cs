using System.Text.Json.Nodes;

namespace MlxGateway.Benchmarks;

/// <summary>
/// What it costs to be watched: answers a second, and processor time of the gateway for each, with nothing measured, with <c>/metrics</c> scraped every second, and with traces, metrics and logs sent to a
/// collector. The processor time says it where a busy machine makes the answers a second too uneven. A request is measured once, whatever its answer's length: for short answers, given at once, that is
/// what it costs at worst, for such as models give what it costs. A second gateway with nothing measured stands beside the first: two processes of the same program differ by some percent all the same (what
/// the compiler made of each, and where their memory lies), and what is within that is no cost.
/// </summary>
internal static class TelemetryScenario
{
    // As many as two cores can just serve, at the pace of a quick model; an answer is a short paragraph.
    private const int Streams = 200;
    private const int Tokens = 256;
    private const int Gap = 10; // milliseconds: 100 tokens a second

    private static readonly TimeSpan ScrapeInterval = TimeSpan.FromSeconds(1);

    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        var port = Child.FreePort();
        await using var collector = Child.StartSelf(["collector", "--port", $"{port}"]);
        await collector.UntilReadyAsync(new Uri($"http://127.0.0.1:{port}/"), TimeSpan.FromMilliseconds(10));

        await using var off = await StartAsync(settings, new JsonObject { ["Metrics"] = false });
        await using var again = await StartAsync(settings, new JsonObject { ["Metrics"] = false });
        await using var counted = await StartAsync(settings, new JsonObject { ["Metrics"] = true });
        await using var paced = await StartAsync(settings, Otlp(port));
        await using var measured = await StartAsync(settings, Otlp(port, "Traces"));
        await using var followed = await StartAsync(settings, Otlp(port, "Metrics"));
        await using var traced = await StartAsync(settings, Otlp(port), ("OTEL_TRACES_SAMPLER", "parentbased_always_on"));
        (string Name, Contender Contender, bool IsScraped)[] watched =
            [("off, another process", again, false), ("/metrics", counted, true), ("OTLP", paced, false), ("OTLP, every trace", traced, false), ("OTLP without traces", measured, false), ("OTLP without metrics", followed, false)];
        Answers[] kinds =
        [
            new("", 16, 10_000, 500, 4_000, []),
            new(", streamed", 16, 10_000, 500, 4_000, ["--stream"]),
            new($", {Streams} streams", Streams, Streams, 0, 10_000, ["--tokens", $"{Tokens}", "--gap", $"{Gap}"]),
        ];
        foreach (var answers in kinds)
        {
            var all = watched.Append((Name: "off", Contender: off, IsScraped: false)).Select(static w => (w.Name, w.Contender, w.IsScraped, Rate: new Series(), Cpu: new Series())).ToArray();
            string[] load = ["--connections", $"{answers.Connections}", .. answers.Flags];
            foreach (var (_, contender, _, _, _) in all)
            {
                await contender.LoadAsync([.. load, "--requests", $"{settings.Pick(answers.First, answers.First / 10)}"]);
            }

            for (var round = 0; round < settings.Rounds; round++)
            {
                // Who goes first takes turns: what grows warm or busy meanwhile then hits all alike.
                foreach (var (_, contender, isScraped, rate, cpu) in all.Skip(round % all.Length).Concat(all.Take(round % all.Length)))
                {
                    using var over = new CancellationTokenSource();
                    var scraping = isScraped ? ScrapeAsync(contender, over.Token) : Task.CompletedTask;
                    var before = contender.ProcessorTime;
                    var result = await contender.LoadAsync([.. load, "--warmup", $"{answers.Warmup}", "--milliseconds", $"{settings.Pick(answers.Milliseconds, answers.Milliseconds / 4)}"]);
                    rate.Add(result.PerSecond);
                    cpu.Add((contender.ProcessorTime - before).TotalMicroseconds / (result.Requests + answers.Warmup));
                    await over.CancelAsync();
                    await scraping;
                }
            }

            foreach (var (name, _, _, rate, cpu) in all.SkipLast(1))
            {
                Report.Compare($"{name}{answers.Name}", "req/s", rate, all[^1].Rate);
                Report.Compare($"{name}{answers.Name}, CPU", "µs/req", cpu, all[^1].Cpu);
            }
        }
    }

    /// <summary>Takes whatever is posted, as a collector would, and keeps nothing.</summary>
    public static async Task<int> CollectAsync(Arguments arguments)
    {
        await using var app = BareServer.Build(arguments.Number("port", 0));
        arguments.NoMore();
        app.Run(static async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.ContentType = "application/x-protobuf";
            context.Response.ContentLength = 0;
        });
        await app.RunAsync();
        return 0;
    }

    private static Task<Contender> StartAsync(Settings settings, JsonObject telemetry, params (string, string)[] environment) =>
        Contender.StartGatewayAsync(settings, new JsonObject { ["Telemetry"] = telemetry }, withBench: true, environment);

    private static JsonObject Otlp(int port, string? without = null)
    {
        var otlp = new JsonObject { ["Endpoint"] = $"http://127.0.0.1:{port}", ["Protocol"] = "HttpProtobuf" };
        if (without is not null)
        {
            otlp[without] = false;
        }

        return new JsonObject { ["Metrics"] = false, ["Otlp"] = otlp };
    }

    private static async Task ScrapeAsync(Contender contender, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        using var beat = new PeriodicTimer(ScrapeInterval);
        try
        {
            do
            {
                _ = await http.GetStringAsync(new Uri(contender.Address, "/metrics"), cancellationToken);
            }
            while (await beat.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            // The measurement is over.
        }
    }

    /// <summary>One way to be asked.</summary>
    /// <param name="Name">What is said of it behind the name of what is measured.</param>
    /// <param name="Connections">How many ask at the same time.</param>
    /// <param name="First">How many requests come before everything, so that what is used often is compiled.</param>
    /// <param name="Warmup">How many come before each measurement.</param>
    /// <param name="Milliseconds">How long each takes.</param>
    /// <param name="Flags">What else the load generator is told.</param>
    private sealed record Answers(string Name, int Connections, int First, int Warmup, int Milliseconds, string[] Flags);
}
