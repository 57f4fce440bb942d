using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Runners.Kinds;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>The companion hosts the real engines in both versions, where this machine has them.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MlxLmCompanionTests(RealMlx real) : IClassFixture<RealMlx>
{
    private static readonly object[] Hi = [new { role = "user", content = "Hi there" }];

    public static TheoryData<string> Pythons => RealMlx.Pythons;

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_GoodModel_AnswersAndTellsWhatIsKnown(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", Tiny());
        var answer = await companion.JsonAsync(HttpMethod.Post, "/v1/chat/completions", new { messages = Hi });
        var status = await companion.JsonAsync(HttpMethod.Get, "/gateway/status");

        Assert.Equal("Hello from tiny .", (string)answer["choices"]![0]!["message"]!["content"]!);
        Assert.Equal(("loaded", null, 4096), ((string)status["state"]!, (string?)status["error"], (int)status["context"]!));
        Assert.InRange((long)status["memory"]!["active"]!, 2_000_000, 100_000_000);
        Assert.True((long)status["memory"]!["peak"]! >= (long)status["memory"]!["active"]!);
        Assert.NotEmpty((string)status["device"]!["device_name"]!);
        Assert.Matches(@"^0\.3\d\.", (string)status["versions"]!["mlx_lm"]!);
        Assert.InRange((double)status["load_seconds"]!, 0, 80);
        Assert.DoesNotContain("/gateway/", companion.Log, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Tokenize_ChatAndPrompt_CountWhatACompletionCounts(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", Tiny());
        object[] tools = [new { type = "function", function = new { name = "get_weather", description = "what it says", parameters = new { type = "object" } } }];
        object[] messages = [new { role = "system", content = "Be kind." }, new { role = "user", content = new[] { new { type = "text", text = "€ and more" } } }];
        foreach (var (path, body) in new (string, object)[]
        {
            ("/v1/chat/completions", new { messages, tools, chat_template_kwargs = new { enable_thinking = false } }),
            ("/v1/chat/completions", new { messages = Hi }),
            ("/v1/completions", new { prompt = "Once upon a time" }),
        })
        {
            var counted = await companion.JsonAsync(HttpMethod.Post, "/gateway/tokenize", body);
            var answer = await companion.JsonAsync(HttpMethod.Post, path, body);

            Assert.Equal((int)answer["usage"]!["prompt_tokens"]!, (int)counted["count"]!);
            Assert.Equal((int)counted["count"]!, counted["tokens"]!.AsArray().Count);
        }

        using var wrong = await companion.SendAsync(HttpMethod.Post, "/gateway/tokenize", new { neither = 1 });
        Assert.Equal(400, (int)wrong.StatusCode);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_WithASecret_AnswersOnlyWhoKnowsIt(string python)
    {
        await using var companion = CompanionProcess.Start(RealMlx.Need(python), new Dictionary<string, string> { ["MLXGATEWAY_RUNNER_SECRET"] = "geheim" }, "--model", Tiny());
        await companion.EventAsync("loaded");
        (HttpMethod Method, string Path, object? Body)[] all =
        [
            (HttpMethod.Get, "/v1/models", null), (HttpMethod.Get, "/health", null), (HttpMethod.Get, "/gateway/ready", null), (HttpMethod.Post, "/gateway/tokenize", new { prompt = "x" }),
            (HttpMethod.Post, "/v1/completions", new { prompt = "x", max_tokens = 1 }), (HttpMethod.Options, "/v1/completions", null), (HttpMethod.Put, "/x", null),
        ];
        foreach (var (method, path, body) in all)
        {
            foreach (var authorization in new[] { null, "", "Bearer", "Bearer ", "Bearer gehei", "bearer geheim", "geheim", "Basic geheim", "Bearer geheimer" })
            {
                using var refused = await companion.SendAsync(method, path, body, authorization: authorization);
                Assert.True((int)refused.StatusCode == 401, $"{method} {path} {authorization}: {refused.StatusCode}");
            }

            if (method == HttpMethod.Get || method == HttpMethod.Post)
            {
                using var answered = await companion.SendAsync(method, path, body, authorization: "Bearer geheim");
                Assert.Equal(200, (int)answered.StatusCode);
            }
        }

        Assert.DoesNotContain("geheim", companion.Log, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Ready_WhileTheModelLoads_SaysNo(string python)
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-slow-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "sitecustomize.py"), """
            import os, time
            import mlx_lm.server as server
            original = server.load
            def load(*args, **kwargs):
                while not os.path.exists(os.environ["LOAD_NOW"]):
                    time.sleep(0.01)
                return original(*args, **kwargs)
            server.load = load
            """, Nursery.Patience());
        var go = Path.Combine(folder, "go");
        await using var companion = CompanionProcess.Start(RealMlx.Need(python), new Dictionary<string, string> { ["PYTHONPATH"] = folder, ["LOAD_NOW"] = go }, "--model", Tiny());
        await companion.EventAsync("listening");

        foreach (var (method, path, body) in new (HttpMethod, string, object?)[] { (HttpMethod.Get, "/gateway/ready", null), (HttpMethod.Post, "/gateway/tokenize", new { prompt = "x" }) })
        {
            using var early = await companion.SendAsync(method, path, body);
            Assert.Equal(503, (int)early.StatusCode);
        }

        Assert.Equal("loading", (string)(await companion.JsonAsync(HttpMethod.Get, "/gateway/status"))["state"]!);
        await File.WriteAllTextAsync(go, "", Nursery.Patience());
        await companion.EventAsync("loaded");
        using var ready = await companion.SendAsync(HttpMethod.Get, "/gateway/ready");
        Assert.Equal(200, (int)ready.StatusCode);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_ModelThatIsNotThereOrCut_EndsWithTheReason(string python)
    {
        var cut = real.Model($"cut-{python}", "--shards", "3");
        using (var shard = File.OpenWrite(Path.Combine(cut, "model-00002-of-00003.safetensors")))
        {
            shard.SetLength(shard.Length / 2);
        }

        await using var missing = CompanionProcess.Start(RealMlx.Need(python), "--model", "/no/such/model");
        await using var broken = CompanionProcess.Start(RealMlx.Need(python), "--model", cut);

        var (code, reason) = await missing.EndAsync();
        Assert.Equal(70, code);
        Assert.Contains("/no/such/model", reason, StringComparison.Ordinal);
        (code, reason) = await broken.EndAsync();
        Assert.Equal(70, code);
        Assert.Contains("size of the file", reason, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_PortTaken_Ends(string python)
    {
        var port = new PortAllocator().Allocate();
        await using var stranger = new Stranger(port);
        await using var companion = CompanionProcess.Start(RealMlx.Need(python), "--model", Tiny(), "--port", $"{port}");
        var (code, reason) = await companion.EndAsync();

        Assert.Equal(72, code);
        Assert.StartsWith($"127.0.0.1:{port}: Address already in use", reason, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_RequestThatKillsTheGeneratingThread_Ends(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", Tiny());
        using var client = await companion.AskAsync(new { messages = Hi, stop = new[] { 1 } });

        Assert.Equal(71, (await companion.EndAsync()).Code);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_LifelineEnds_EndsToo(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--lifeline", "--model", Tiny());
        companion.Input.Close();

        Assert.Equal((73, "standard input closed"), await companion.EndAsync());
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_InputEndsWithoutALifeline_Stays(string python)
    {
        await using var companion = CompanionProcess.Start(RealMlx.Need(python), "--model", Tiny());
        companion.Input.Close();
        await companion.EventAsync("loaded");

        Assert.Equal("Hello from tiny .", (string)(await companion.JsonAsync(HttpMethod.Post, "/v1/completions", new { prompt = "x" }))["choices"]![0]!["text"]!);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_AnotherAddressThanTheLoopback_IsRefused(string python)
    {
        await using var companion = CompanionProcess.Start(RealMlx.Need(python), "--model", Tiny(), "--host", "0.0.0.0");

        Assert.Equal((2, "0.0.0.0 is not on the loopback"), await companion.EndAsync());
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_LowLimitOfOpenFiles_IsBorne(string python)
    {
        var companionPath = Path.Combine(AppContext.BaseDirectory, "mlx_lm_companion.py");
        await using var companion = CompanionProcess.Start("/bin/sh", "-c", $"ulimit -n 1024; exec '{RealMlx.Need(python)}' '{companionPath}' --port 0 --model '{Tiny()}'");

        await companion.EventAsync("loaded");
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Pages_OfAnyOrigin_AreLetNowhere(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", Tiny(), "--allowed-origins", "none");
        foreach (var (method, path) in new[] { (HttpMethod.Get, "/v1/models"), (HttpMethod.Get, "/health"), (HttpMethod.Options, "/v1/chat/completions"), (HttpMethod.Get, "/gateway/status"), (HttpMethod.Options, "/gateway/tokenize") })
        {
            foreach (var origin in new[] { "https://example.org", "null", "http://127.0.0.1:8080" })
            {
                using var response = await companion.SendAsync(method, path, origin: origin);

                Assert.DoesNotContain("Access-Control-Allow-Origin", response.Headers.Select(h => h.Key));
                Assert.Equal(path.StartsWith("/gateway", StringComparison.Ordinal), (int)response.StatusCode is 403 or 404);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_EngineBuiltInAnotherWay_SaysWhatIsNotHookedAndGoesOn(string python)
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-odd-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "sitecustomize.py"), """
            import mlx_lm.server as server
            batch = server.BatchGenerator
            server.BatchGenerator = lambda *args, **kwargs: batch(*args, **kwargs)
            """, Nursery.Patience());
        await using var companion = CompanionProcess.Start(RealMlx.Need(python), new Dictionary<string, string> { ["PYTHONPATH"] = folder }, "--model", Tiny());
        var said = await companion.EventAsync("unhooked");
        await companion.EventAsync("loaded");

        Assert.Contains("batched requests", (string)said["what"]!, StringComparison.Ordinal);
        Assert.NotNull((await companion.JsonAsync(HttpMethod.Post, "/v1/chat/completions", new { messages = Hi }))["choices"]);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Host_EngineOfAnUnknownBuild_EndsSoThatThePlainServerMayBeTried(string python)
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-odd-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "sitecustomize.py"), "import mlx_lm.server as server\ndel server._run_http_server\n", Nursery.Patience());
        await using var companion = CompanionProcess.Start(RealMlx.Need(python), new Dictionary<string, string> { ["PYTHONPATH"] = folder }, "--model", Tiny());

        Assert.Equal(74, (await companion.EndAsync()).Code);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Context_Bound_IsKeptByPromptsAndAnswers(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", real.Model("endless", "--endless"), "--gateway-context", "30", "--gateway-pool", "1000000", "--prompt-cache-bytes", "100000");
        foreach (var seed in new int?[] { null, 5 })
        {
            // In a batch, and alone.
            object Ask(string text, bool stream) => seed is { } number ? new { messages = new[] { new { role = "user", content = text } }, max_tokens = 500, stream, seed = number } : new { messages = new[] { new { role = "user", content = text } }, max_tokens = 500, stream };
            foreach (var stream in new[] { false, true })
            {
                using var refused = await companion.SendAsync(HttpMethod.Post, "/v1/chat/completions", Ask("thirty letters are more than it", stream));

                Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
                Assert.Matches(@"^\{""error"": ""This model's maximum context length is 30 tokens. However, the request has \d+ tokens.""\}$", await refused.Content.ReadAsStringAsync(Nursery.Patience()));
            }

            var answer = await companion.JsonAsync(HttpMethod.Post, "/v1/chat/completions", Ask("abcd", stream: false));

            Assert.Equal(30, (int)answer["usage"]!["total_tokens"]!);
            Assert.Equal("length", (string)answer["choices"]![0]!["finish_reason"]!);
        }

        // Whoever only counts is not refused.
        Assert.Equal(60, (int)(await companion.JsonAsync(HttpMethod.Post, "/gateway/tokenize", new { prompt = new string('x', 60) }))["count"]!);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task PromptCache_Bound_HoldsInABatchAndAlone(string python)
    {
        // 2 layers × 2 heads × (64 + 64) values × 2 bytes: 1 KB a token.
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", Tiny(), "--prompt-cache-bytes", "60000");
        foreach (var letter in "abcdef")
        {
            await companion.JsonAsync(HttpMethod.Post, "/v1/completions", new { prompt = new string(letter, 40), max_tokens = 1 });
            await companion.JsonAsync(HttpMethod.Post, "/v1/completions", new { prompt = new string(letter, 30), max_tokens = 1, seed = 1 });
        }

        var kept = Regex.Matches(companion.Log, @"Prompt Cache: (\d+) sequences, ([\d.]+) GB").Select(match => (match.Groups[1].Value, double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture))).ToList();

        Assert.Equal(12, kept.Count);
        Assert.All(kept, state => Assert.InRange(state.Item1, "0", "1"));
        Assert.Contains(kept, state => state.Item1 == "1");
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Bounds_EngineBuiltInAnotherWay_AreSaidAndLeftOut(string python)
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-odd-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "sitecustomize.py"), """
            import mlx.core as mx
            import mlx_lm.server as server
            cache = server.LRUPromptCache
            server.LRUPromptCache = lambda size: cache(size)
            del mx.set_cache_limit
            """, Nursery.Patience());
        await using var companion = CompanionProcess.Start(
            RealMlx.Need(python), new Dictionary<string, string> { ["PYTHONPATH"] = folder }, "--model", Tiny(), "--prompt-cache-bytes", "60000", "--gateway-pool", "1000", "--gateway-context", "100");

        Assert.Equal("the bytes of the prompt cache", (string)(await companion.EventAsync("unhooked"))["what"]!);
        Assert.Equal("the memory that MLX keeps after it is freed", (string)(await companion.EventAsync("unhooked"))["what"]!);
        await companion.EventAsync("loaded");
        Assert.NotNull((await companion.JsonAsync(HttpMethod.Post, "/v1/chat/completions", new { messages = Hi }))["choices"]);
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("MLXGATEWAY_TEST_MLX_PYTHON", false)]
    [InlineData("MLXGATEWAY_TEST_MLX_PYTHON", true)]
    [InlineData("MLXGATEWAY_TEST_MLX_PYTHON_NEXT", false)]
    [InlineData("MLXGATEWAY_TEST_MLX_PYTHON_NEXT", true)]
    public async Task Launch_KindMlxLm_IsReadyWhenItCanAnswerHostedOrPlain(string python, bool plain)
    {
        await using var nursery = new Nursery();
        var path = RealMlx.Need(python);
        if (plain)
        {
            path = nursery.Script("python3", $"case \"$1\" in *companion.py) exit 74;; esac\nexec '{path}' \"$@\"");
        }

        var engine = new MlxLmEngine(new EngineOptions { MlxLm = { Python = path } }, new PythonSearch(new PythonProbes(new EngineProbe(nursery.Children, TimeProvider.System))));
        var model = new ModelSpec { Id = "org/tiny", Runner = "mlx_lm", Path = Tiny(), Env = new ValueMap([new("MLX_DISABLE_COMPILE", "1")]) };
        var runner = await nursery.Launcher(new MlxLm(engine)).LaunchAsync(model, LaunchShape.Free, 1, Nursery.Patience());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(runner.Address, "/v1/completions"))
        {
            Content = new StringContent($$"""{"model":"{{runner.Manners.UpstreamModel}}","prompt":"x"}"""),
        };
        using var response = await runner.Connections.SendAsync(request, Nursery.Patience());

        Assert.Contains("Hello from tiny .", await response.Content.ReadAsStringAsync(Nursery.Patience()), StringComparison.Ordinal);
        await runner.StopAsync();
    }

    private string Tiny() => real.Model("tiny");
}
