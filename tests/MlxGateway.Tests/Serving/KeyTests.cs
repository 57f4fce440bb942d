using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>Keys, as clients meet them.</summary>
public sealed class KeyTests(KeyTests.Guarded guarded) : IClassFixture<KeyTests.Guarded>
{
    private readonly Gateway _gateway = guarded.Gateway;

    private static readonly string Chat = Gateway.ChatBody("one");

    public static TheoryData<string, string, string?> Routes { get; } = new()
    {
        { "POST", "/v1/chat/completions", "inference" },
        { "POST", "/v1/embeddings", "inference" },
        { "POST", "/v1/messages", "inference" },
        { "GET", "/props?model=one", "inference" },
        { "GET", "/v1/realtime?model=one", "inference" },
        { "GET", "/upstream/one/v1/models", "inference" },
        { "DELETE", "/upstream/one/v1/models", "inference" },
        { "GET", "/v1/models", "inference read admin" },
        { "GET", "/v1/models/one", "inference read admin" },
        { "GET", "/running", "read admin" },
        { "GET", "/api/explain", "read admin" },
        { "GET", "/metrics", "read admin" },
        { "GET", "/api/requests", "read admin" },
        { "GET", "/api/requests/history", "read admin" },
        { "GET", "/api/config", "read admin" },
        { "GET", "/api/version", "read admin" },
        { "GET", "/api/logs", "read admin" },
        { "GET", "/api/logs/stream?source=nobody", "read admin" },
        { "GET", "/logs", "read admin" },
        { "GET", "/logs/stream/nobody", "read admin" },
        { "GET", "/models", "inference read admin" },
        { "GET", "/models/", "inference read admin" },
        { "GET", "/models/nobody", "read admin" },
        { "POST", "/models", "admin" },
        { "POST", "/api/pull", "admin" },
        { "GET", "/api/pull", "read admin" },
        { "DELETE", "/api/pull?model=org/none", "admin" },
        { "GET", "/api/hub/search", "read admin" },
        { "DELETE", "/models?model=one", "admin" },
        { "POST", "/models/load", "admin" },
        { "POST", "/models/unload", "admin" },
        { "POST", "/api/models/load/one", "admin" },
        { "POST", "/unload/one", "admin" },
        { "GET", "/unload/one", "admin" },
        { "POST", "/api/config/reload", "admin" },
        { "POST", "/api/resume", "admin" },
        { "GET", "/no/such/route", "read admin" },
        { "POST", "/no/such/route", "admin" },
        { "POST", "/api/requests/nobody/cancel", "inference admin" },
        { "POST", "/api/models/unload", "admin" },
        { "POST", "/api/models/unload/one", "admin" },
        { "GET", "/health", null },
        { "HEAD", "/health", null },
        { "GET", "/health/", null },
        { "GET", "/swagger/v1/swagger.json", null },
        { "GET", "/", null },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Route_EveryKindOfKey_IsLetInExactlyWhereItsScopeIs(string method, string path, string? scopes)
    {
        foreach (var scope in new[] { "inference", "read", "admin" })
        {
            var (status, code) = await AskAsync(method, path, ("Authorization", $"Bearer sk-{scope}"));
            if (scopes is null || scopes.Split(' ').Contains(scope))
            {
                Assert.True(status is not (401 or 403), $"{scope}: {status} {code}");
            }
            else
            {
                Assert.Equal((403, "insufficient_scope"), (status, code));
            }
        }

        foreach (var wrong in new (string, string)[] { ("Accept", "*/*"), ("Authorization", "Bearer sk-wrong"), ("Authorization", "Basic c2staW5mZXJlbmNl"), ("x-api-key", ""), ("Authorization", "sk-inference"), ("X-Api-Token", "sk-inference") })
        {
            var (status, code) = await AskAsync(method, path + (path.Contains('?', StringComparison.Ordinal) ? "&" : "?") + "api_key=sk-inference", wrong);
            Assert.Equal(scopes is null ? (200, null) : (401, "invalid_api_key"), (status, code));
        }
    }

    // A stream that stays open is not read to its end, so it is not among the routes above.
    [Fact]
    public async Task Events_AreForWhoMayRead()
    {
        foreach (var scope in new[] { "read", "admin" })
        {
            using var events = await EventReader.OpenAsync(_gateway, "/api/events", ("Authorization", $"Bearer sk-{scope}"));
            Assert.Equal("text/event-stream", events.Type);
        }

        Assert.Equal((403, "insufficient_scope"), await AskAsync("GET", "/api/events", ("Authorization", "Bearer sk-inference")));
        Assert.Equal((401, "invalid_api_key"), await AskAsync("GET", "/api/events"));
    }

    [Fact]
    public async Task Key_AsEachClientSendsIt_IsTaken()
    {
        foreach (var header in new[] { ("Authorization", "Bearer sk-inference"), ("authorization", "bearer   sk-inference "), ("x-api-key", "sk-inference") })
        {
            Assert.Equal(200, (await _gateway.PostAsync("/v1/chat/completions", Chat, header)).Status);
        }
    }

    [Fact]
    public async Task Refusal_HasTheShapeThatClientsKnow()
    {
        var answer = await _gateway.PostAsync("/v1/chat/completions", Chat, ("Authorization", "Bearer sk-very-secret"));

        Assert.Equal("Bearer", answer.Header("WWW-Authenticate"));
        Assert.NotNull(answer.Header("x-request-id"));
        var error = answer.Json.GetProperty("error");
        Assert.Equal(("authentication_error", "invalid_api_key", JsonValueKind.Null), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString(), error.GetProperty("param").ValueKind));
        Assert.DoesNotContain("very-secret", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusal_OfAPageThatMayAsk_CanBeReadByIt()
    {
        var answer = await _gateway.PostAsync("/v1/chat/completions", Chat, ("Origin", "http://localhost:3000"));

        Assert.Equal((401, "http://localhost:3000"), (answer.Status, answer.Header("Access-Control-Allow-Origin")));

        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        preflight.Headers.Add("Origin", "http://localhost:3000");
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        preflight.Headers.Add("Access-Control-Request-Headers", "authorization");
        using var allowed = await _gateway.Client.SendAsync(preflight, TestContext.Current.CancellationToken);
        Assert.Equal(204, (int)allowed.StatusCode); // a browser sends no key with it
    }

    [Fact]
    public async Task Key_OfSomeModels_UsesAndSeesThoseAlone()
    {
        var key = ("x-api-key", "sk-two");

        Assert.Equal((403, "model_not_allowed"), await CodeAsync(Chat));
        Assert.Equal(200, (await _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("two"), key)).Status);
        Assert.Equal(200, (await _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("second"), key)).Status);
        var (_, _, list) = await ReadAsync("GET", "/v1/models", key);
        Assert.Equal(["two"], list.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()));
        Assert.Equal((404, "model_not_found"), await AskAsync("GET", "/v1/models/one", key));

        // Neither the nearest names nor what is done before the model is asked for tell of the others.
        Assert.DoesNotContain("'one'", (await _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("on"), key)).Message, StringComparison.Ordinal);
        Assert.Contains("'one'", (await _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("on"), ("x-api-key", "sk-inference"))).Message, StringComparison.Ordinal);
        Assert.Equal((403, "model_not_allowed"), await CodeAsync("""{"model":"one","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://127.0.0.1:9/x.png"} }]}]}"""));
        Assert.Equal((200, null), await AskAsync("GET", "/v1/models/second", key));

        async Task<(int, string?)> CodeAsync(string body)
        {
            var answer = await _gateway.PostAsync("/v1/chat/completions", body, key);
            return (answer.Status, answer.Code);
        }
    }

    [Fact]
    public async Task Key_OfSomebodyElse_CallsOffNothing()
    {
        var running = _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("slow"), ("x-api-key", "sk-inference"), ("x-request-id", "mine"));
        await UntilServedAsync("mine");

        Assert.Equal((404, "not_found"), await AskAsync("POST", "/api/requests/mine/cancel", ("x-api-key", "sk-two")));
        Assert.False(running.IsCompleted);
        Assert.Equal((200, null), await AskAsync("POST", "/api/requests/mine/cancel", ("x-api-key", "sk-inference")));
        Assert.Equal(499, (await running).Status);

        running = _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("slow"), ("x-api-key", "sk-inference"), ("x-request-id", "again"));
        await UntilServedAsync("again");
        Assert.Equal((200, null), await AskAsync("POST", "/api/requests/again/cancel", ("x-api-key", "sk-admin")));
        Assert.Equal(499, (await running).Status);
    }

    // "one" is somebody else's here.
    [Fact]
    public async Task Key_OfSomeModels_SeesAndSteersTheseAlone()
    {
        var key = ("x-api-key", "sk-tenant");
        Assert.Equal(200, (await _gateway.PostAsync("/v1/chat/completions", Chat, ("x-api-key", "sk-inference"), ("x-request-id", "of-another"))).Status);
        Assert.Equal(200, (await _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("two"), ("x-api-key", "sk-inference"), ("x-request-id", "to-mine"))).Status);

        foreach (var (method, path) in new[] { ("POST", "/api/models/load/one"), ("POST", "/api/models/unload/one"), ("POST", "/unload/one"), ("GET", "/unload/one"), ("DELETE", "/models?model=one"), ("GET", "/api/logs?source=one"), ("GET", "/api/logs/stream?source=one"), ("GET", "/logs/stream/one"), ("DELETE", "/api/pull?model=org/none") })
        {
            Assert.Equal((403, "model_not_allowed"), await AskAsync(method, path, key));
        }

        foreach (var (path, body) in new[] { ("/models/load", """{"model":"one"}"""), ("/models/unload", """{"model":"one"}"""), ("/models", """{"model":"org/none"}"""), ("/api/pull", """{"model":"org/none:Q8_0"}""") })
        {
            var refused = await _gateway.PostAsync(path, body, key);
            Assert.Equal((403, "model_not_allowed"), (refused.Status, refused.Code));
        }

        Assert.Equal((200, null), await AskAsync("POST", "/api/models/unload", key));
        Assert.Equal(["one"], (await RunningAsync("sk-admin")).Except(["slow"]));
        Assert.Empty(await RunningAsync("sk-tenant"));
        Assert.Equal((200, null), await AskAsync("POST", "/api/models/load/second", key));
        Assert.Equal(["two"], await RunningAsync("sk-tenant"));

        var history = await IdsAsync("/api/requests/history?limit=1000", key);
        Assert.Contains("to-mine", history);
        Assert.DoesNotContain("of-another", history);
        Assert.Contains("of-another", await IdsAsync("/api/requests/history?limit=1000", ("x-api-key", "sk-admin")));
        var (_, _, explained) = await ReadAsync("GET", "/api/explain", key);
        Assert.All(explained.GetProperty("resident").EnumerateArray().Concat(explained.GetProperty("decisions").EnumerateArray()), e => Assert.Equal("two", e.GetProperty("model").GetString()));

        var running = _gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("slow"), ("x-api-key", "sk-inference"), ("x-request-id", "not-mine"));
        await UntilServedAsync("not-mine");
        Assert.DoesNotContain("not-mine", await IdsAsync("/api/requests", key));
        Assert.Equal((404, "not_found"), await AskAsync("POST", "/api/requests/not-mine/cancel", key));
        Assert.Equal((200, null), await AskAsync("POST", "/api/requests/not-mine/cancel", ("x-api-key", "sk-admin")));
        Assert.Equal(499, (await running).Status);

        async Task<IEnumerable<string>> RunningAsync(string who) =>
            [.. (await ReadAsync("GET", "/running", ("x-api-key", who))).Json.GetProperty("running").EnumerateArray().Select(m => m.GetProperty("model").GetString()!)];

        async Task<IEnumerable<string>> IdsAsync(string path, (string, string) who) =>
            [.. (await ReadAsync("GET", path, who)).Json.GetProperty("requests").EnumerateArray().Select(r => r.GetProperty("id").GetString()!)];
    }

    // It would shut the door on the other tests if it were left so.
    [Fact]
    public async Task Drain_IsForWhoMaySteer()
    {
        Assert.Equal((403, "insufficient_scope"), await AskAsync("POST", "/api/drain", ("x-api-key", "sk-inference")));
        Assert.Equal((403, "insufficient_scope"), await AskAsync("POST", "/api/drain", ("x-api-key", "sk-read")));
        Assert.Equal((401, "invalid_api_key"), await AskAsync("POST", "/api/drain"));
        Assert.Equal((200, null), await AskAsync("GET", "/health"));
        try
        {
            Assert.Equal((200, null), await AskAsync("POST", "/api/drain", ("x-api-key", "sk-admin")));
            Assert.Equal(503, (await AskAsync("GET", "/health")).Status);
        }
        finally
        {
            Assert.Equal((200, null), await AskAsync("POST", "/api/resume", ("x-api-key", "sk-admin")));
        }
    }

    [Theory]
    [InlineData("/models/sse")]
    [InlineData("/api/logs/stream")]
    [InlineData("/logs/stream")]
    public async Task Stream_ThatStaysOpen_IsForWhoMayLook(string path)
    {
        foreach (var (key, status) in new[] { ("sk-inference", 403), ("sk-wrong", 401), ("sk-read", 200), ("sk-admin", 200) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "x-api-key", key } } };
            using var answer = await _gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Assert.Equal(status, (int)answer.StatusCode);
        }
    }

    [Fact]
    public async Task Models_AsTheRouterListsThem_AreThoseOfTheKeyAndWithoutArgumentsForWhoMayNotSteer()
    {
        var (_, _, own) = await ReadAsync("GET", "/models", ("x-api-key", "sk-two"));
        var (_, _, all) = await ReadAsync("GET", "/models", ("x-api-key", "sk-admin"));

        Assert.Equal(["two"], own.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()));
        Assert.False(own.GetProperty("data")[0].GetProperty("status").TryGetProperty("args", out _));
        Assert.Equal(3, all.GetProperty("data").GetArrayLength());
        Assert.All(all.GetProperty("data").EnumerateArray(), m => Assert.True(m.GetProperty("status").TryGetProperty("args", out _)));
    }

    [Fact]
    public async Task Key_WithALimit_IsRefusedWithATimeToWaitAndOthersAreServed()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => _gateway.PostAsync("/v1/chat/completions", Chat, ("x-api-key", "sk-limited"))));

        Assert.Equal(4, answers.Count(a => a.Status == 200));
        Assert.All(answers.Where(a => a.Status != 200), a => Assert.Equal((429, "rate_limit_exceeded", true), (a.Status, a.Code, int.Parse(a.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture) is >= 1 and <= 60)));
        Assert.Equal(200, (await _gateway.PostAsync("/v1/chat/completions", Chat, ("x-api-key", "sk-inference"))).Status);
        Assert.Equal((200, null), await AskAsync("GET", "/v1/models", ("x-api-key", "sk-limited"))); // looking costs nothing
    }

    [Fact]
    public async Task Keys_AreInNoLogAndNoFileOfTheGateway()
    {
        await _gateway.PostAsync("/v1/chat/completions", Chat, ("x-api-key", "sk-inference"), ("Cookie", "session=sk-cookie"));
        await _gateway.PostAsync("/v1/chat/completions?key=sk-in-query", Chat, ("Authorization", "Bearer sk-wrong-one"));

        var text = _gateway.StateText();
        Assert.NotEmpty(text);
        Assert.All(new[] { "sk-inference", "sk-cookie", "sk-wrong-one", "sk-in-query" }, key => Assert.DoesNotContain(key, text, StringComparison.Ordinal));
        Assert.DoesNotContain("sk-", _gateway.Output, StringComparison.Ordinal);
    }

    private Task UntilServedAsync(string id) => Gateway.UntilAsync(async () =>
    {
        var (_, _, requests) = await ReadAsync("GET", "/api/requests", ("x-api-key", "sk-read"));
        return requests.GetProperty("requests").EnumerateArray().Any(r => r.GetProperty("id").GetString() == id && r.GetProperty("state").GetString() == "running");
    });

    private async Task<(int Status, string? Code)> AskAsync(string method, string path, params (string Name, string Value)[] headers)
    {
        var (status, code, _) = await ReadAsync(method, path, headers);
        return (status, code);
    }

    private async Task<(int Status, string? Code, JsonElement Json)> ReadAsync(string method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (method == "POST")
        {
            request.Content = new StringContent(path.StartsWith("/v1", StringComparison.Ordinal) ? Chat : "", Encoding.UTF8, "application/json");
        }

        using var answer = await _gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var json = text.StartsWith('{') ? JsonDocument.Parse(text).RootElement : default;
        var code = json.ValueKind == JsonValueKind.Object && json.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object && error.TryGetProperty("code", out var named) ? named.ToString() : null;
        return ((int)answer.StatusCode, code, json);
    }

    public sealed class Guarded : IAsyncLifetime
    {
        public Gateway Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(
            """
            "one": {"Runner":"demo","Memory":"1MB"},
            "two": {"Runner":"demo","Memory":"1MB","Aliases":["second"]},
            "slow": {"Runner":"demo","Memory":"1MB","Args":["--prefill","600"]}
            """,
            $$"""
            "Residency":{"MaxResident":0},"Memory":{"Reserve":"0GB"},"Admin":{"AllowGetUnload":true,"AllowDelete":true},
            "Access":{"Keys":{
              "program": {"Hash":"{{Hash("sk-inference")}}"},
              "watcher": {"Hash":"{{Hash("sk-read")}}","Scopes":["read"]},
              "owner":   {"Hash":"{{Hash("sk-admin")}}","Scopes":["admin"]},
              "guest":   {"Hash":"{{Hash("sk-two")}}","Models":["two"]},
              "tenant":  {"Hash":"{{Hash("sk-tenant")}}","Scopes":["inference","admin"],"Models":["two"]},
              "limited": {"Hash":"{{Hash("sk-limited")}}","RequestsPerMinute":4}
            } }
            """);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();

        private static string Hash(string key) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }
}
