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

    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        if (Environment.GetEnvironmentVariable(EngineVariable) is not { Length: > 0 } engine || Environment.GetEnvironmentVariable(ModelVariable) is not { Length: > 0 } script)
        {
            Report.Skipped("swap, llama-server", $"{EngineVariable} and {ModelVariable} do not name the engine and the script that writes models");
            return;
        }

        var models = new[] { "alpha", "beta" };
        foreach (var model in models)
        {
            await using var writer = Child.Start("python3", [script, FileOf(settings, model)]);
            await writer.ExitAsync();
        }

        await using var gateway = await Contender.StartGatewayAsync(settings, new JsonObject
        {
            ["Engines"] = new JsonObject { ["llama_server"] = new JsonObject { ["Executable"] = engine } },
            ["Models"] = new JsonObject(models.Select(m => KeyValuePair.Create<string, JsonNode?>(m, new JsonObject { ["Source"] = FileOf(settings, m), ["Memory"] = "64MB" }))),
        });
        using var client = new HttpClient { Timeout = TimeSpan.FromMinutes(2) };
        await using var direct = new DirectEngine(engine);
        var pairs = settings.Pick(15, 3);
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
                through.Add(await TimeAsync(() => AskAsync(client, gateway.Address, models[swap % 2])));
            }

            using (await client.PostAsync(new Uri(gateway.Address, "/api/models/unload"), null))
            {
            }

            await direct.SwapAsync(FileOf(settings, models[1]), client, models[1]);
            for (var swap = 0; swap < 2 * pairs; swap++)
            {
                alone.Add(await TimeAsync(() => direct.SwapAsync(FileOf(settings, models[swap % 2]), client, models[swap % 2])));
            }

            ours.Add(Series.MedianOf(through));
            theirs.Add(Series.MedianOf(alone));
            overhead.Add(ours.Values[^1] - theirs.Values[^1]);
        }

        Report.Compare("swap, llama-server", "ms", ours, theirs);
        Report.Alone("swap, what the gateway adds", "ms", overhead);
    }

    private static string FileOf(Settings settings, string model) => Path.Combine(settings.Folder, $"{model}.gguf");

    private static async Task<double> TimeAsync(Func<Task> work)
    {
        var start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static async Task AskAsync(HttpClient client, Uri address, string model)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/v1/chat/completions"))
        {
            Content = new StringContent($$"""{"model":"{{model}}","messages":[{"role":"user","content":"Hello"}],"max_tokens":8}""", Encoding.UTF8, "application/json"),
        };
        using var response = await client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();

        // The model says its own name: an answer of the other one would mean that nothing was swapped.
        if (response.StatusCode != HttpStatusCode.OK || !text.Contains(model, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{model}: {response.StatusCode} {text}");
        }
    }

    /// <summary>The engine without a gateway: what nobody can do faster.</summary>
    private sealed class DirectEngine(string engine) : IAsyncDisposable
    {
        private Child? _running;

        /// <summary>Stops what runs, starts the model and gets an answer from it.</summary>
        public async Task SwapAsync(string file, HttpClient client, string model)
        {
            await DisposeAsync();
            var port = Child.FreePort();
            var address = new Uri($"http://127.0.0.1:{port}");
            _running = Child.Start(engine, ["-m", file, "--host", "127.0.0.1", "--port", $"{port}"]);
            await _running.UntilReadyAsync(new Uri(address, "/health"), TimeSpan.FromMilliseconds(1));

            // A connection that stays open would delay the next stop.
            using var alone = new HttpClient { Timeout = client.Timeout };
            alone.DefaultRequestHeaders.ConnectionClose = true;
            await AskAsync(alone, address, model);
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
