using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What reaches a runner, a log or a foreign web page, and what does not.</summary>
public sealed class HygieneTests(DemoGateway fixture) : IClassFixture<DemoGateway>
{
    private Gateway Gateway => fixture.Gateway;

    [Fact]
    public async Task Headers_KeysCookiesAndHopByHop_NeverReachTheRunner()
    {
        await Gateway.PostAsync(
            "/v1/chat/completions?api_key=sk-in-the-query",
            Gateway.ChatBody("keyed", "\"temperature\":0.5"),
            ("Authorization", "Bearer sk-very-secret"),
            ("x-api-key", "sk-very-secret"),
            ("api-key", "sk-very-secret"),
            ("Cookie", "session=sk-very-secret"),
            ("Proxy-Authorization", "Basic sk-very-secret"),
            ("TE", "trailers"),
            ("X-Forwarded-For", "10.1.2.3"),
            ("Accept-Encoding", "gzip"));

        var last = await LastAsync("keyed");

        Assert.DoesNotContain("secret", last.GetRawText(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("sk-in-the-query", last.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("10.1.2.3", last.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("gzip", last.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("0.5", last.GetProperty("body").ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_NamedByAlias_ReachesTheRunnerUnderItsOwnName()
    {
        await Gateway.ChatAsync("gpt-4o-mini");

        var last = await LastAsync("steady");

        Assert.Contains("\"model\":\"steady\"", last.GetProperty("body").ToString().Replace(" ", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Environment_SecretsOfTheGateway_AreNotTheRunners()
    {
        await Gateway.ChatAsync("steady");
        var pid = (await Gateway.RunningAsync()).Single(m => m.Model == "steady").Pid;

        var environment = await File.ReadAllTextAsync($"/proc/{pid}/environ", TestContext.Current.CancellationToken);

        Assert.DoesNotContain("must-not-reach-a-runner", environment, StringComparison.Ordinal);
        Assert.Contains("PATH=", environment, StringComparison.Ordinal);
        Assert.Contains("MLXGATEWAY_MARK=", environment, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_HoldTheRecordButNoTextOfAnybody()
    {
        const string Secret = "xyzzy-words-of-a-person";
        var answer = await Gateway.PostAsync("/v1/chat/completions", $$"""{"model":"steady","messages":[{"role":"user","content":"{{Secret}}"}]}""", ("x-request-id", "my-own-id"));
        Assert.Equal("my-own-id", answer.Header("x-request-id"));

        var line = await Gateway.UntilWrittenAsync("my-own-id /v1/chat/completions");

        Assert.Contains("steady on demo: Completed 200", line, StringComparison.Ordinal);
        Assert.Matches(@"queue [\d.]+ ms, load [\d.]+ ms, first byte [\d.]+ ms, first token \S+ ms, total [\d.]+ ms, tokens \d+ in \(\S+ cached\) at \S+ a second, \d+ out", line);
        Assert.DoesNotContain(Secret, Gateway.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("demonstration, not a language", Gateway.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, Gateway.StateText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example.")]
    [InlineData("EVIL.example:1234")]
    [InlineData("localhost.evil.example")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("127.0.0.1.nip.io")]
    [InlineData("evillocalhost")]
    [InlineData("localhost.com")]
    [InlineData("host.docker.internal.evil.example")]
    [InlineData("xn--lcalhost-54a.example")]
    [InlineData("192.168.1.5")]
    [InlineData("0.0.0.0")]
    [InlineData("[fe80::1]")]
    [InlineData("[::ffff:8.8.8.8]")]
    [InlineData("metadata.google.internal")]
    public async Task Host_OfSomebodyElse_IsRefusedOnEveryKindOfRoute(string host)
    {
        foreach (var (method, path) in new[] { ("GET", "/v1/models"), ("POST", "/v1/chat/completions"), ("POST", "/api/models/unload"), ("GET", "/health"), ("GET", "/swagger/index.html"), ("OPTIONS", "/v1/models"), ("GET", "/nowhere") })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Headers = { Host = host } };
            var answer = await Gateway.SendAsync(request);

            Assert.True((answer.Status, answer.Code) == (403, "forbidden_host"), $"{method} {path}: {answer.Status} {answer.Text}");
        }
    }

    [Theory]
    [InlineData("OPTIONS", "/upstream/absent/x")]
    [InlineData("GET", "/upstream/absent/x")]
    [InlineData("GET", "/props?model=absent")]
    [InlineData("GET", "/v1/audio/voices?model=absent")]
    public async Task Page_ForeignOne_LoadsNoModelByWhateverMethod(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        var answer = await Gateway.SendAsync(request, ("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site"));

        Assert.Equal((403, "forbidden_origin"), (answer.Status, answer.Code));
        Assert.DoesNotContain(await Gateway.RunningAsync(), m => m.Model == "absent");
    }

    [Theory]
    [InlineData("https://evil.example", 403)]
    [InlineData("null", 403)]
    [InlineData("http://localhost:3000", 200)]
    public async Task Origin_OfAForeignPage_MayNotPost(string origin, int status)
    {
        var chat = await Gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("steady"), ("Origin", origin));
        var unload = await Gateway.PostAsync("/api/models/unload/absent", "", ("Origin", origin));

        Assert.Equal((status, status), (chat.Status, unload.Status));
    }

    [Fact]
    public async Task Swagger_DescribesEveryRoute()
    {
        var document = (await Gateway.GetAsync("/swagger/v1/swagger.json")).Json;

        Assert.Equal(
            new[]
                {
                    "/api/config", "/api/config/reload", "/api/drain", "/api/events", "/api/explain", "/api/hub/search", "/api/logs", "/api/logs/stream", "/api/models/load/{id}", "/api/models/unload", "/api/models/unload/{id}", "/api/pull",
                    "/api/requests", "/api/requests/history", "/api/requests/{id}/cancel", "/api/resume", "/api/version", "/health", "/logs", "/logs/stream/{source}",
                    "/models", "/models/load", "/models/sse", "/models/unload", "/running", "/unload", "/unload/{id}", "/v1/models", "/v1/models/{id}",
                }
                .Concat(InferenceRoute.All.Select(r => r.Path)).Append("/mcp").Append("/metrics").Append("/upstream/{model}/{path}").Order(StringComparer.Ordinal),
            document.GetProperty("paths").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal));
        Assert.All(document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject()), o => Assert.False(string.IsNullOrEmpty(o.Value.GetProperty("summary").GetString())));
        var entry = document.GetProperty("components").GetProperty("schemas").GetProperty("ModelEntry").GetProperty("properties");
        Assert.Contains("tokens", entry.GetProperty("context_window").GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.Contains("swagger-ui", (await Gateway.GetAsync("/")).Text, StringComparison.Ordinal); // by way of the redirect
    }

    [Fact]
    public async Task Swagger_OfEveryRouteThatIsNoRunners_HasSchemasAndExamplesOfSuccessAndErrors()
    {
        var document = (await Gateway.GetAsync("/swagger/v1/swagger.json")).Json;
        var ofRunners = InferenceRoute.All.Select(r => r.Path).Append("/upstream/{model}/{path}").ToHashSet();

        foreach (var (name, operation) in document.GetProperty("paths").EnumerateObject().Where(p => !ofRunners.Contains(p.Name)).SelectMany(p => p.Value.EnumerateObject().Select(o => ($"{o.Name} {p.Name}", o.Value))))
        {
            var responses = operation.GetProperty("responses").EnumerateObject().ToDictionary(r => r.Name, r => r.Value);
            Assert.True(responses.ContainsKey("200"), name);
            foreach (var (status, response) in responses)
            {
                var media = Assert.Single(response.GetProperty("content").EnumerateObject(), m => m.Value.TryGetProperty("schema", out _)).Value;
                Assert.True(media.TryGetProperty("example", out _), $"{name} {status} has no example");
                Assert.True(status == "200" || name == "get /health" || media.GetProperty("schema").GetProperty("properties").TryGetProperty("error", out _), $"{name} {status} has another shape");
            }

            Assert.True(name == "get /health" || (responses.ContainsKey("401") && responses.ContainsKey("403")), $"{name} may be refused");
            Assert.True(!name.Contains('{', StringComparison.Ordinal) || responses.ContainsKey("404"), $"{name} may name what is not there");
            Assert.True(!operation.TryGetProperty("requestBody", out var body) || body.GetProperty("content").GetProperty("application/json").TryGetProperty("example", out _), $"{name} takes a body");
            Assert.All(operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : [], p => Assert.True(p.Text("in") == "path" || !string.IsNullOrEmpty(p.GetProperty("description").GetString()), $"{name}: {p.Text("name")}"));
        }
    }

    // Whoever generates a client from the description believes every word of it.
    [Fact]
    public async Task Swagger_EveryExample_IsWhatItsSchemaSays()
    {
        var document = (await Gateway.GetAsync("/swagger/v1/swagger.json")).Json;
        var seen = 0;

        foreach (var (name, operation) in document.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Select(o => ($"{o.Name} {p.Name}", o.Value))))
        {
            var bodies = operation.GetProperty("responses").EnumerateObject().Select(static r => r.Value).Concat(operation.TryGetProperty("requestBody", out var body) ? [body] : []);
            foreach (var media in bodies.Where(static b => b.TryGetProperty("content", out _)).SelectMany(static b => b.GetProperty("content").EnumerateObject()).Where(static m => m.Value.TryGetProperty("example", out _)))
            {
                SchemaCheck.Assert(document, media.Value.GetProperty("schema"), media.Value.GetProperty("example"), name);
                seen++;
            }
        }

        Assert.True(seen > 200, $"{seen} examples");
    }

    [Fact]
    public async Task Swagger_Answers_AreWhatTheirSchemasSay()
    {
        await Gateway.ChatAsync("steady");
        var document = (await Gateway.GetAsync("/swagger/v1/swagger.json")).Json;

        foreach (var path in new[] { "/health", "/running", "/models", "/v1/models", "/api/explain", "/api/requests", "/api/requests/history", "/api/logs", "/api/config", "/api/version", "/api/pull" })
        {
            var schema = document.GetProperty("paths").GetProperty(path).GetProperty("get").GetProperty("responses").GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("schema");
            SchemaCheck.Assert(document, schema, (await Gateway.GetAsync(path)).Json, path);
        }
    }

    [Fact]
    public async Task Swagger_SaysWhereAKeyIsNeededAndHowItIsSent()
    {
        var document = (await Gateway.GetAsync("/swagger/v1/swagger.json")).Json;

        var schemes = document.GetProperty("components").GetProperty("securitySchemes");
        Assert.Equal("bearer", schemes.GetProperty("bearer").Text("scheme"));
        Assert.Equal(("header", "x-api-key"), (schemes.GetProperty("x-api-key").Text("in"), schemes.GetProperty("x-api-key").Text("name")));
        Assert.Equal(["bearer", "x-api-key"], document.GetProperty("security").EnumerateArray().Select(static s => Assert.Single(s.EnumerateObject()).Name)); // either of them
        Assert.Equal(0, document.GetProperty("paths").GetProperty("/health").GetProperty("get").GetProperty("security").GetArrayLength());
    }

    [Fact]
    public async Task Models_ListAndShow_SayWhatIsLoaded()
    {
        await Gateway.ChatAsync("steady");

        var list = (await Gateway.GetAsync("/v1/models")).Json.GetProperty("data").EnumerateArray().ToList();
        var shown = (await Gateway.GetAsync("/v1/models/gpt-4o-mini")).Json;

        Assert.Equal(list.Select(m => m.GetProperty("id").GetString()).Order(StringComparer.Ordinal), list.Select(m => m.GetProperty("id").GetString()));
        Assert.Equal("steady", shown.GetProperty("id").GetString());
        Assert.True(shown.GetProperty("loaded").GetBoolean());
        Assert.Equal("loaded", shown.GetProperty("status").GetProperty("value").GetString());
        Assert.Equal(404, (await Gateway.GetAsync("/v1/models/org/none")).Status);
    }

    [Fact]
    public async Task Models_EachThatCannotBeServed_SaysWhy()
    {
        var list = (await Gateway.GetAsync("/v1/models")).Json.GetProperty("data").EnumerateArray().ToDictionary(m => m.GetProperty("id").GetString()!);
        var (huge, absent) = (list["huge"].GetProperty("fit"), list["absent"]);

        Assert.Equal("never", huge.GetProperty("value").GetString());
        Assert.Equal((await Gateway.ChatAsync("huge")).Message, huge.GetProperty("message").GetString()); // what a request is told, too
        Assert.Equal("missing", absent.GetProperty("status").GetProperty("value").GetString());
        Assert.True(absent.GetProperty("info").GetProperty("meta").GetProperty("hidden").GetBoolean());
    }

    [Fact]
    public async Task Models_UnchangedSinceTheClientAsked_AreNotSentAgain()
    {
        // Readings of memory differ from second to second, so it may take more than one try to ask twice within one.
        for (var tries = 0; ; tries++)
        {
            using var again = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
            var answer = await Gateway.SendAsync(again, ("If-None-Match", (await Gateway.GetAsync("/v1/models")).Header("ETag")!));
            if (answer.Status == 304)
            {
                Assert.Empty(answer.Text);
                return;
            }

            Assert.InRange(tries, 0, 50);
        }
    }

    private async Task<JsonElement> LastAsync(string model)
    {
        var port = (await Gateway.RunningAsync()).Single(m => m.Model == model).Port;
        using var client = new HttpClient();
        return JsonDocument.Parse(await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/demo/last"), TestContext.Current.CancellationToken)).RootElement;
    }
}
