using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace MlxGateway.Benchmarks;

/// <summary>What a swap between two models of a real engine costs the client, and what the engine itself needs for it: to stop the one and to start the other up to the same answer.</summary>
internal static class SwapScenario
{
    private const string EngineVariable = "MLXGATEWAY_TEST_LLAMA_SERVER";
    private const string ModelVariable = "MLXGATEWAY_TEST_TINY_MODEL";

    private const string MlxVariable = "MLXGATEWAY_TEST_MLX_PYTHON";

    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        foreach (var engine in Engines)
        {
            if (Environment.GetEnvironmentVariable(engine.Variable) is not { Length: > 0 } program || Environment.GetEnvironmentVariable(ModelVariable) is not { Length: > 0 } script)
            {
                Report.Skipped($"swap, {engine.Name}", $"{engine.Variable} and {ModelVariable} do not name the engine and the script that writes models");
                continue;
            }

            await RunAsync(settings, engine, program, script);
        }
    }

    private static async Task RunAsync(Settings settings, SwapEngine kind, string program, string script)
    {
        var models = new[] { "alpha", "beta" };
        string FileOf(Settings _, string model) => Path.Combine(settings.Folder, $"{kind.Name.Replace(' ', '-').Replace(",", "", StringComparison.Ordinal)}-{model}", kind.Runner == "llama_server" ? $"{model}.gguf" : model);
        foreach (var model in models)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(FileOf(settings, model))!);
            await using var writer = Child.Start("python3", [script, FileOf(settings, model), .. kind.Weights is { } weights ? ["--weights", weights] : Array.Empty<string>()]);
            await writer.ExitAsync();
        }

        await using var gateway = await Contender.StartGatewayAsync(settings, new JsonObject
        {
            ["Engines"] = new JsonObject { [kind.Runner] = new JsonObject { [kind.Runner == "llama_server" ? "Executable" : "Python"] = program } },
            ["Models"] = new JsonObject(models.Select(m => KeyValuePair.Create<string, JsonNode?>(m, new JsonObject
            {
                ["Source"] = FileOf(settings, m),
                ["Runner"] = kind.Runner,
                ["Memory"] = "512MB",
            }))),
        }, environment: DirectEngine.Environment); // not the models' own, for which no spare would be kept
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        await using var direct = new DirectEngine(program, kind);
        var pairs = settings.Pick(kind.Pairs, 3);
        for (var warm = 0; warm < 4; warm++)
        {
            await AskAsync(client, gateway.Address, models[warm % 2]);
            await direct.SwapAsync(FileOf(settings, models[warm % 2]), client, models[warm % 2]);
        }

        var (ours, theirs, overhead) = (new Series(), new Series(), new Series());
        for (var round = 0; round < settings.Rounds; round++)
        {
            var (through, alone) = (new List<double>(), new List<double>());

            // Always the model that is not there: A, B, A, B. Only one of the two has an engine running at a time: an idle one still spins for a while and would be measured too.
            await direct.DisposeAsync();
            await AskAsync(client, gateway.Address, models[1]);
            for (var swap = 0; swap < 2 * pairs; swap++)
            {
                await Task.Delay(kind.Pause);
                through.Add(await TimeAsync(() => AskAsync(client, gateway.Address, models[swap % 2])));
            }

            using (await client.PostAsync(new Uri(gateway.Address, "/api/models/unload"), null))
            {
            }

            await direct.SwapAsync(FileOf(settings, models[1]), client, models[1]);
            for (var swap = 0; swap < 2 * pairs; swap++)
            {
                await Task.Delay(kind.Pause);
                alone.Add(await TimeAsync(() => direct.SwapAsync(FileOf(settings, models[swap % 2]), client, models[swap % 2])));
            }

            ours.Add(Series.MedianOf(through));
            theirs.Add(Series.MedianOf(alone));
            overhead.Add(ours.Values[^1] - theirs.Values[^1]);
        }

        Report.Compare($"swap, {kind.Name}", "ms", ours, theirs);
        Report.Alone("  what the gateway adds", "ms", overhead);
    }

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static async Task AskAsync(HttpClient client, Uri address, string model, string? name = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/v1/chat/completions"))
        {
            Content = new StringContent($$"""{"model":"{{name ?? model}}","messages":[{"role":"user","content":"Hello"}],"max_tokens":8}""", Encoding.UTF8, "application/json"),
        };
        using var response = await client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();

        // The model says its own name: an answer of the other one would mean that nothing was swapped.
        if (response.StatusCode != HttpStatusCode.OK || !text.Contains(model, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{model}: {response.StatusCode} {text}");
        }
    }

    private static readonly SwapEngine[] Engines =
    [
        new("llama-server", "llama_server", EngineVariable, null, 15, (file, port) => ["-m", file, "--host", "127.0.0.1", "--port", port]),
        new("llama-server 300 MB", "llama_server", EngineVariable, "300MB", 5, (file, port) => ["-m", file, "--host", "127.0.0.1", "--port", port]),
        new("mlx_lm", "mlx_lm", MlxVariable, null, 3, (file, port) => ["-m", "mlx_lm", "server", "--model", file, "--host", "127.0.0.1", "--port", port]),
        new("mlx_lm, 8 s apart", "mlx_lm", MlxVariable, null, 3, (file, port) => ["-m", "mlx_lm", "server", "--model", file, "--host", "127.0.0.1", "--port", port]) { Pause = TimeSpan.FromSeconds(8) },
        new("mlx_lm 300 MB", "mlx_lm", MlxVariable, "300MB", 2, (file, port) => ["-m", "mlx_lm", "server", "--model", file, "--host", "127.0.0.1", "--port", port]),
        new("mlx_vlm", "mlx_vlm", MlxVariable, null, 2, (file, port) => ["-m", "mlx_vlm.server", "--model", file, "--host", "127.0.0.1", "--port", port]),
    ];

    /// <summary>An engine whose swaps are measured.</summary>
    /// <param name="Name">What the row is called.</param>
    /// <param name="Runner">The kind at the gateway.</param>
    /// <param name="Variable">The variable that names its program.</param>
    /// <param name="Weights">How heavy the model is made; null: as light as can be.</param>
    /// <param name="Pairs">Pairs of swaps a round.</param>
    /// <param name="Arguments">Its own command line.</param>
    private sealed record SwapEngine(string Name, string Runner, string Variable, string? Weights, int Pairs, Func<string, string, string[]> Arguments)
    {
        /// <summary>How long nobody asks before each swap. In it the gateway gets a spare ready, as it does between the questions of a person, from three seconds after a launch on; without it there is none.</summary>
        public TimeSpan Pause { get; init; }
    }

    /// <summary>The engine without a gateway: what nobody can do faster.</summary>
    private sealed class DirectEngine(string program, SwapEngine kind) : IAsyncDisposable
    {
        public static readonly (string, string)[] Environment = [("HF_HUB_OFFLINE", "1"), ("MLX_DISABLE_COMPILE", "1")];
        private Child? _running;

        /// <summary>Stops what runs, starts the model and gets an answer from it.</summary>
        public async Task SwapAsync(string file, HttpClient client, string model)
        {
            await DisposeAsync();
            var port = Child.FreePort();
            var address = new Uri($"http://127.0.0.1:{port}");
            _running = Child.Start(program, kind.Arguments(file, $"{port}"), Environment);
            await _running.UntilReadyAsync(new Uri(address, "/health"), TimeSpan.FromMilliseconds(1));

            // A connection that stays open would delay the next stop.
            using var alone = new HttpClient { Timeout = client.Timeout };
            alone.DefaultRequestHeaders.ConnectionClose = true;
            await AskAsync(alone, address, model, kind.Runner switch { "mlx_lm" => "default_model", "mlx_vlm" => file, _ => model });
        }

        public async ValueTask DisposeAsync()
        {
            if (_running is not null)
            {
                await _running.DisposeAsync();
                _running = null;
            }
        }
    }
}
