using System.Globalization;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>How people and scripts see the gateway and steer it.</summary>
public sealed class SteeringTests(SteeringTests.Fixture fixture) : IClassFixture<SteeringTests.Fixture>
{
    private const string Models =
        """
        "one":  {"Runner":"demo","Memory":"1MB","Aliases":["first"],"Env":{"SERVICE_TOKEN":"token-of-a-runner","COLOUR":"blue"},"Args":["--say","one says password=token-of-a-runner"]},
        "slow": {"Runner":"demo","Memory":"1MB","Args":["--prefill","600"]},
        "broken": {"Runner":"demo","Memory":"1MB","Args":["--exit-at-start","3"]}
        """;

    private const string Rest = "\"Residency\":{\"MaxResident\":0},\"Memory\":{\"Reserve\":\"0GB\"}";

    [Fact]
    public async Task Drain_RefusesNewWorkAndFinishesTheRunning_ResumeTakesItAgain()
    {
        var gateway = fixture.Gateway;
        using var running = await gateway.OpenChatAsync("one", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.01}");
        await running.ReadUntilAsync("data: ");
        await Gateway.UntilAsync(async () => (await gateway.GetAsync("/api/requests")).Json.GetProperty("requests").GetArrayLength() == 1); // those of other tests are over a moment after their answers

        Assert.Equal("""{"status":"draining","in_flight":1}""", (await gateway.PostAsync("/api/drain", "")).Text);

        var health = await gateway.GetAsync("/health");
        Assert.Equal((503, """{"status":"draining"}""", "10"), (health.Status, health.Text, health.Header("Retry-After")));
        var refused = await gateway.ChatAsync("one");
        Assert.Equal((503, "draining", "10"), (refused.Status, refused.Code, refused.Header("Retry-After")));
        Assert.Equal((503, "draining"), Codes(await gateway.PostAsync("/models/load", """{"model":"slow"}""")));
        Assert.Equal((503, "draining"), Codes(await gateway.PostAsync("/api/models/load/slow", "")));
        await running.ReadUntilAsync("data: "); // it goes on
        Assert.Contains(await gateway.RunningAsync(), m => m is { Model: "one", State: "ready", Leases: 1 });

        running.Dispose();
        Assert.Equal("ok", (await gateway.PostAsync("/api/resume", "")).Json.Text("status"));
        Assert.Equal(200, (await gateway.GetAsync("/health")).Status);
        Assert.Equal(200, (await gateway.ChatAsync("one")).Status);
    }

    [Fact]
    public async Task History_OverARestart_IsThereWithNumbersAndWithoutWords()
    {
        await using var first = await Gateway.StartAsync(Models, Rest);
        await first.PostAsync("/v1/chat/completions", Gateway.ChatBody("first", "\"user\":\"xyzzy\""), ("x-request-id", "whole"));
        await first.PostAsync("/v1/chat/completions", Gateway.ChatBody("nobody"), ("x-request-id", "unknown"));
        await first.PostAsync("/v1/chat/completions", Gateway.ChatBody("broken"), ("x-request-id", "failing"));
        first.Signal("TERM");
        await first.ExitCodeAsync();

        await using var second = await first.StartAnotherAsync(Models, Rest);
        var all = (await second.GetAsync("/api/requests/history")).Json;
        var entries = all.GetProperty("requests").EnumerateArray().ToDictionary(r => r.Text("id")!);

        Assert.Equal(JsonValueKind.Null, all.GetProperty("next").ValueKind);
        Assert.Equal(["failing", "unknown", "whole"], entries.Keys.Order(StringComparer.Ordinal));
        var whole = entries["whole"];
        Assert.Equal(("completed", "one", "demo", 200), (whole.Text("outcome"), whole.Text("model"), whole.Text("runner"), whole.GetProperty("status").GetInt32()));
        Assert.True(whole.GetProperty("prompt_tokens").GetInt32() > 0 && whole.GetProperty("completion_tokens").GetInt32() > 0 && whole.GetProperty("load_seconds").GetDouble() > 0);
        Assert.Equal(("refused", "model_not_found"), (entries["unknown"].Text("outcome"), entries["unknown"].Text("code")));
        Assert.Equal(("refused", "model_launch_failed"), (entries["failing"].Text("outcome"), entries["failing"].Text("code")));
        Assert.DoesNotContain("xyzzy", all.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(["whole"], await IdsAsync("model=first"));
        Assert.Equal(["failing", "unknown"], await IdsAsync("outcome=refused"));
        Assert.Equal(["unknown"], await IdsAsync($"limit=1&before={entries["failing"].GetProperty("number").GetInt64().ToString(CultureInfo.InvariantCulture)}"));
        Assert.Empty(await IdsAsync("until=2020-01-01"));

        Assert.Equal(3, (await IdsAsync("since=2020-01-01T00:00:00+01:00")).Count()); // a plus in an address is a space
        foreach (var wrong in new[] { "limit=0", "limit=1001", "limit=x", "before=-1", "outcome=well", "since=yesterday", "until=13:00:99" })
        {
            var refusal = await second.GetAsync($"/api/requests/history?{wrong}");
            Assert.Equal((400, "invalid_request", wrong.Split('=')[0]), (refusal.Status, refusal.Code, refusal.Json.GetProperty("error").Text("param")));
        }

        async Task<IEnumerable<string?>> IdsAsync(string query) =>
            [.. (await second.GetAsync($"/api/requests/history?{query}")).Json.GetProperty("requests").EnumerateArray().Select(r => r.Text("id"))];
    }

    // The waits that people give up are the longest of all.
    [Fact]
    public async Task History_ClientThatLeftWhileItsModelWasLoaded_SaysForWhatItWaitedAndThatItGotNothing()
    {
        await using var gateway = await Gateway.StartAsync("\"never\":{\"Runner\":\"demo\",\"Memory\":\"1MB\",\"Args\":[\"--never-ready\"]}");
        using (var leaving = new CancellationTokenSource())
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent(Gateway.ChatBody("never")) };
            var asked = gateway.Client.SendAsync(request, leaving.Token);
            await gateway.UntilRunningAsync(static r => r.Any(static m => m is { State: "launching", Waiting: 1 }));
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        }

        JsonElement over = default;
        await Gateway.UntilAsync(async () =>
        {
            var all = (await gateway.GetAsync("/api/requests/history")).Json.GetProperty("requests");
            over = all.GetArrayLength() == 1 ? all[0] : default;
            return over.ValueKind == JsonValueKind.Object;
        });

        Assert.Equal(("client_left", 499), (over.Text("outcome"), over.GetProperty("status").GetInt32()));
        var (queue, load, total) = (over.GetProperty("queue_seconds").GetDouble(), over.GetProperty("load_seconds").GetDouble(), over.GetProperty("total_seconds").GetDouble());
        Assert.InRange(load, 0.0001, total);
        Assert.InRange(queue + load, 0.0001, total + 0.001);
    }

    [Fact]
    public async Task Config_IsShownAsItIsInForce_WithoutSecretsAndWithItsSources()
    {
        await using var gateway = await Gateway.StartAsync(
            Models + """, "remote": {"Runner":"command","Command":["serve","--port","{port}","--api-key","abc-of-a-command","--url","https://me:hidden-pass@example.org/"],"Memory":"1MB","Env":{"PROXY":"https://hidden-user@example.org","DATABASE":"postgres://me:hid@den-word@db/x","DB_PASS":"hidden-pass-word","AUTH":"hidden-auth"},"Defaults":{"temperature":0.5,"api_key":"hidden-default"} } """,
            Rest + $$""","Access":{"Keys":{"anna":{"Hash":"sha256:{{new string('a', 64)}}","Scopes":["inference"]},"owner":{"Hash":"sha256:{{Hash("sk-owner")}}","Scopes":["admin"]} } },"Telemetry":{"Otlp":{"Endpoint":"http://me:hidden-collector@127.0.0.1:9/otlp","Headers":"x-key=hidden-header"} } """,
            "--MlxGateway:Residency:QueueLimit", "7");

        var config = await SendAsync("GET", "/api/config");

        Assert.All(new[] { "token-of-a-runner", "abc-of-a-command", "hidden", "den-word", new string('a', 64), Hash("sk-owner") }, secret => Assert.DoesNotContain(secret, config.Text, StringComparison.Ordinal));
        var settings = config.Json.GetProperty("settings").GetProperty("MlxGateway");
        Assert.Equal((0, 7, "auto", "00:30:00"), (Of("Residency", "MaxResident").GetInt32(), Of("Residency", "QueueLimit").GetInt32(), Of("Residency", "SwapPatience").GetString(), Of("Residency", "IdleTimeout").GetString()));
        Assert.Equal(("0B", "64MB", "1GB", false), (Of("Memory", "Reserve").GetString(), Of("Limits", "RequestBody").GetString(), Of("Limits", "Upload").GetString(), Of("Admin", "AllowDelete").GetBoolean()));
        Assert.Equal("http://***@127.0.0.1:9/otlp", Of("Telemetry", "Otlp").Text("Endpoint"));
        Assert.Equal("/nowhere/llama-server", Of("Engines", "llama_server").Text("Executable")); // by the name that it has in a file
        var one = Of("Models", "one");
        Assert.Equal(("***", "blue", "1MB"), (one.GetProperty("Env").Text("SERVICE_TOKEN"), one.GetProperty("Env").Text("COLOUR"), one.Text("Memory")));
        var remote = Of("Models", "remote");
        Assert.Equal("""["serve","--port","{port}","--api-key","***","--url","https://***@example.org/"]""", remote.GetProperty("Command").GetRawText());
        Assert.Equal(0.5, remote.GetProperty("Defaults").GetProperty("temperature").GetDouble());
        Assert.Equal("***", Of("Access", "Keys").GetProperty("anna").Text("Hash"));
        var file = Assert.Single(config.Json.GetProperty("files").EnumerateArray(), f => f.Text("path")!.EndsWith("config.json", StringComparison.Ordinal)).Text("path");
        Assert.Equal((file, "command line"), (config.Json.GetProperty("set_by").Text("MlxGateway:Memory:Reserve"), config.Json.GetProperty("set_by").Text("MlxGateway:Residency:QueueLimit")));

        JsonElement Of(string section, string key) => settings.GetProperty(section).GetProperty(key);

        Task<Answer> SendAsync(string method, string path)
        {
            var request = new HttpRequestMessage(new HttpMethod(method), path);
            return gateway.SendAsync(request, ("x-api-key", "sk-owner"));
        }
    }

    [Fact]
    public async Task Reload_TellsWhatChangedOrEveryMistake()
    {
        await using var gateway = await Gateway.StartAsync("\"one\":{\"Runner\":\"demo\",\"Memory\":\"1MB\"}");

        gateway.Configure("\"Residency\":{\"MaxResident\":3},\"Streams\":{\"KeepAlive\":\"00:00:07\"},\"Models\":{\"one\":{\"Runner\":\"demo\",\"Memory\":\"1MB\"},\"two\":{\"Runner\":\"demo\",\"Memory\":\"1MB\"} }");
        var answer = (await gateway.PostAsync("/api/config/reload", "")).Json;
        Assert.Equal(["MlxGateway:Streams:KeepAlive"], answer.GetProperty("at_next_start").EnumerateArray().Select(k => k.GetString())); // what has changed may have been seen by the watch already
        Assert.Equal(200, (await gateway.ChatAsync("two")).Status);
        var settings = (await gateway.GetAsync("/api/config")).Json.GetProperty("settings").GetProperty("MlxGateway");
        Assert.Equal((3, "00:00:05"), (settings.GetProperty("Residency").GetProperty("MaxResident").GetInt32(), settings.GetProperty("Streams").Text("KeepAlive"))); // the one is in force, the other will be

        gateway.Configure("\"Modles\":{},\"Residency\":{\"MaxResident\":\"many\"}");
        var refused = await gateway.PostAsync("/api/config/reload", "");

        Assert.Equal((400, "invalid_configuration"), (refused.Status, refused.Code));
        Assert.Contains("MlxGateway:Modles", refused.Message, StringComparison.Ordinal);
        Assert.Contains("MlxGateway:Residency:MaxResident", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("does not start", refused.Message, StringComparison.Ordinal);
        Assert.Equal(200, (await gateway.ChatAsync("two")).Status);
    }

    [Fact]
    public async Task Logs_OfTheGatewayAndOfRunners_AreShownAndFollowedWithoutSecrets()
    {
        var gateway = fixture.Gateway;
        await gateway.PostAsync("/api/models/unload/one", ""); // another test may have left it there, and it writes only when it starts
        using var live = await EventReader.OpenAsync(gateway, "/api/logs/stream?source=gateway");
        using var runner = await EventReader.OpenAsync(gateway, "/api/logs/stream?source=first&lines=10"); // it has none yet
        using var plain = await EventReader.OpenAsync(gateway, "/logs/stream/one");
        using var all = await EventReader.OpenAsync(gateway, "/logs/stream/upstream?no-history"); // as llama-swap calls what runners write, whichever of them does
        Assert.Equal(("text/event-stream", "text/plain", "text/plain"), (live.Type, plain.Type, all.Type));

        await gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("one"), ("x-request-id", "seen-in-the-log"));
        Assert.Equal((503, "model_launch_failed"), Codes(await gateway.ChatAsync("broken")));

        await live.UntilAsync(e => e.Text("line")!.Contains("seen-in-the-log", StringComparison.Ordinal));
        await runner.UntilAsync(e => e.Text("line")!.Length > 0);
        Assert.NotEmpty((await plain.LineAsync())!);
        while (!(await all.LineAsync())!.StartsWith("listening on", StringComparison.Ordinal))
        {
            // What else is written meanwhile.
        }

        using var past = await EventReader.OpenAsync(gateway, "/logs/stream/upstream");
        while ((await past.LineAsync())!.StartsWith("listening on", StringComparison.Ordinal))
        {
            // Until there is something of the one that fails, which may have been a while ago.
        }

        var log = await gateway.GetAsync("/api/logs?lines=5000");
        var lines = log.Json;
        Assert.DoesNotContain("\\u00", log.Text, StringComparison.Ordinal); // people read it
        Assert.Equal("gateway", lines.Text("source"));
        Assert.Contains(lines.GetProperty("lines").EnumerateArray(), l => l.GetString()!.Contains("seen-in-the-log", StringComparison.Ordinal));
        Assert.Contains("seen-in-the-log", (await gateway.GetAsync("/logs")).Text, StringComparison.Ordinal);
        var ofOne = (await gateway.GetAsync("/api/logs?source=first")).Json;
        Assert.Equal("one", ofOne.Text("source"));
        Assert.NotEmpty(ofOne.GetProperty("lines").EnumerateArray());
        Assert.DoesNotContain("token-of-a-runner", ofOne.GetRawText(), StringComparison.Ordinal);
        Assert.NotEmpty((await gateway.GetAsync("/api/logs?source=broken")).Json.GetProperty("lines").EnumerateArray()); // what it said before it failed
        Assert.Empty((await gateway.GetAsync("/api/logs?source=slow")).Json.GetProperty("lines").EnumerateArray());
        Assert.Equal((404, "model_not_found"), Codes(await gateway.GetAsync("/api/logs?source=nobody")));
        Assert.Equal((404, "model_not_found"), Codes(await gateway.GetAsync("/api/logs/stream?source=nobody")));
        Assert.Equal((400, "invalid_request"), Codes(await gateway.GetAsync("/api/logs?lines=0")));
    }

    // Somebody looks on while it is told to stop: that must not hold it up, and what they look at ends.
    [Fact]
    public async Task Stop_WhileStreamsAreOpen_IsNotHeldUp()
    {
        await using var gateway = await Gateway.StartAsync(Models, Rest);
        using var events = await EventReader.OpenAsync(gateway, "/models/sse");
        using var logs = await EventReader.OpenAsync(gateway, "/api/logs/stream");
        using var plain = await EventReader.OpenAsync(gateway, "/logs/stream");
        using var swap = await EventReader.OpenAsync(gateway, "/api/events");

        gateway.Signal("TERM");

        while (await events.LineAsync() is not null || await logs.LineAsync() is not null || await swap.LineAsync() is not null)
        {
        }

        Assert.Equal(0, await gateway.ExitCodeAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Unload_AsScriptsForLlamaSwapDoIt_ByPostAndByGetOnlyWhereItIsAllowed()
    {
        var gateway = fixture.Gateway;
        await gateway.ChatAsync("one");

        Assert.Equal((405, "method_not_allowed"), Codes(await gateway.GetAsync("/unload")));
        Assert.Equal((405, "method_not_allowed"), Codes(await gateway.GetAsync("/unload/one")));
        Assert.Contains(await gateway.RunningAsync(), m => m is { Model: "one", State: "ready" });
        Assert.Equal("OK", (await gateway.PostAsync("/unload", "")).Text);
        Assert.DoesNotContain(await gateway.RunningAsync(), m => m.Pid is not null);

        var loaded = (await gateway.PostAsync("/api/models/load/first", "")).Json;
        Assert.Equal(("ok", "one"), (loaded.Text("status"), loaded.Text("loaded")));
        Assert.True(loaded.GetProperty("load_seconds").GetDouble() > 0);
        Assert.Equal((503, "model_launch_failed"), Codes(await gateway.PostAsync("/api/models/load/broken", "")));
        Assert.Equal((404, "model_not_found"), Codes(await gateway.PostAsync("/api/models/load/nobody", "")));
        Assert.Equal("""{"status":"ok","unloaded":["one"]}""", (await gateway.PostAsync("/unload/first", "")).Text);
        Assert.DoesNotContain(await gateway.RunningAsync(), m => m.Model == "one");
        Assert.NotEmpty((await gateway.GetAsync("/api/version")).Json.Text("version")!);
    }

    [Fact]
    public async Task DeleteAndGetUnload_WhereTheyAreAllowed_DoWhatTheyShallAndNotForForeignPages()
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-delete-");
        try
        {
            var file = Path.Combine(folder.FullName, "big.gguf");
            await File.WriteAllBytesAsync(file, new byte[4096], TestContext.Current.CancellationToken);
            await using var gateway = await Gateway.StartAsync(Models, Rest + ",\"Admin\":{\"AllowDelete\":true,\"AllowGetUnload\":true,\"History\":0}", "--MlxGateway:Discovery:Folders:0", folder.FullName);
            await gateway.ChatAsync("one");
            using var events = await EventReader.OpenAsync(gateway, "/models/sse");

            Assert.Equal((400, "model_in_memory"), Codes(await DeleteAsync(gateway, "one")));
            Assert.Equal((400, "cannot_remove"), Codes(await DeleteAsync(gateway, "slow")));
            Assert.Equal((404, "model_not_found"), Codes(await DeleteAsync(gateway, "nobody")));
            Assert.Equal((400, "invalid_request"), Codes(await DeleteAsync(gateway, "")));
            Assert.True(File.Exists(file));
            var listed = (await gateway.GetAsync("/models")).Json.GetProperty("data").EnumerateArray().ToDictionary(m => m.Text("id")!);
            Assert.Equal(("models_dir", true, false), (listed["big"].Text("source"), listed["big"].GetProperty("can_remove").GetBoolean(), listed["one"].GetProperty("can_remove").GetBoolean()));

            Assert.Equal("""{"success":true,"model":"big","freed_bytes":4096}""", (await DeleteAsync(gateway, "big")).Text);

            Assert.False(File.Exists(file));
            Assert.Equal((404, "model_not_found"), Codes(await DeleteAsync(gateway, "big")));
            await events.UntilAsync(e => e.Text("event") == "model_remove" && e.Text("model") == "big");

            foreach (var (header, value) in new[] { ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site") }) // a page's script, and an image's address
            {
                foreach (var path in new[] { "/unload", "/unload/one" })
                {
                    using var foreign = new HttpRequestMessage(HttpMethod.Get, path);
                    Assert.Equal((403, "forbidden_origin"), Codes(await gateway.SendAsync(foreign, (header, value))));
                }
            }

            Assert.Single(await gateway.RunningAsync());
            Assert.Equal("OK", (await gateway.GetAsync("/unload")).Text);
            Assert.Empty(await gateway.RunningAsync());
            Assert.Empty((await gateway.GetAsync("/api/requests/history")).Json.GetProperty("requests").EnumerateArray()); // it is off
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<Answer> DeleteAsync(Gateway gateway, string model)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"/models?model={Uri.EscapeDataString(model)}");
        return await gateway.SendAsync(request);
    }

    private static (int, string?) Codes(Answer answer) => (answer.Status, answer.Code);

    public sealed class Fixture : IAsyncLifetime
    {
        public Gateway Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(Models, Rest);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();
    }

    private static string Hash(string key) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key)));
}
