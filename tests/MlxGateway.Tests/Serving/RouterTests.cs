using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>The lifecycle API of llama.cpp's router, as its clients use it.</summary>
public sealed class RouterTests(RouterTests.Fixture fixture) : IClassFixture<RouterTests.Fixture>
{
    private readonly Gateway _gateway = fixture.Gateway;

    // What Open WebUI sends with its provider "llama.cpp": its manager page lists, watches and loads; its chat page shows a dot, and Eject unloads and lists again.
    [Fact]
    public async Task OpenWebUi_ShowsLoadsAndEjects_AsWithTheRouterItself()
    {
        Assert.Equal("""{"value":"unloaded"}""", Bare(await StatusAsync("/models", "spare")));
        using var events = await WatchAsync("/models/sse");
        Assert.Equal("text/event-stream", events.Type);

        Assert.Equal((200, """{"success":true}"""), await SendAsync("POST", "/models/load", """{"model":"spare"}"""));
        Assert.Equal(["loading", "loaded"], await events.StatusesAsync("spare", until: "loaded"));
        Assert.Equal("""{"value":"loaded"}""", Bare(await StatusAsync("/models", "spare")));
        Assert.Equal("loaded", (await StatusAsync("/v1/models", "spare")).GetProperty("value").GetString()); // the dot
        Assert.Equal((400, "model_already_loaded"), await CodeAsync("POST", "/models/load", """{"model":"spare"}"""));

        Assert.Equal((200, """{"success":true}"""), await SendAsync("POST", "/models/unload", """{"model":"spare"}"""));
        Assert.Equal("""{"value":"unloaded"}""", Bare(await StatusAsync("/models", "spare"))); // the list that it asks for next
        Assert.Equal(["unloaded"], await events.StatusesAsync("spare", until: "unloaded"));
        Assert.Equal((400, "model_not_loaded"), await CodeAsync("POST", "/models/unload", """{"model":"spare"}"""));

        Assert.Equal((501, "hub_client_missing"), await CodeAsync("POST", "/models", """{"model":"ggml-org/gemma-3-4b-it-GGUF:Q4_K_M"}"""));
        Assert.Equal((400, "model_already_exists"), await CodeAsync("POST", "/models", """{"model":"spare"}"""));
        Assert.Equal((403, "deletion_not_allowed"), await CodeAsync("DELETE", "/models?model=spare", null));
    }

    // By this clients tell a router from a server of one model. Being looked at must load nothing, the default model neither.
    [Theory]
    [InlineData("/props")]
    [InlineData("/props?model=")]
    [InlineData("/props?autoload=false")]
    public async Task Props_OfNoModel_SayThatThisIsARouter(string path)
    {
        Assert.Equal(200, (await _gateway.PostAsync("/api/models/unload/first", "")).Status); // others of these tests load it
        var answer = await _gateway.GetAsync(path);

        Assert.Equal((200, "application/json; charset=utf-8"), (answer.Status, answer.Header("Content-Type")));
        var version = (await _gateway.GetAsync("/api/version")).Json.Text("version");
        Assert.Equal(
            $$$"""{"role":"router","max_instances":0,"models_autoload":true,"model_alias":"mlxgateway","model_path":"none","default_generation_settings":{"params":null,"n_ctx":0},"build_info":"mlxgateway-{{{version}}}","cors_proxy_enabled":false}""",
            answer.Text);
        Assert.DoesNotContain(await _gateway.RunningAsync(), m => m.Model == "first");
    }

    [Theory]
    [InlineData("/props?model=nobody", 404, "model_not_found")]
    [InlineData("/props?model=first&model=first", 400, "invalid_request")]
    [InlineData("/props?model=first", 404, "not_found")]
    public async Task Props_OfAModel_AreThatModels(string path, int status, string code)
    {
        var answer = await _gateway.GetAsync(path);

        Assert.Equal((status, code), (answer.Status, answer.Code));
    }

    // Its pages look at the properties of each model that is chosen, and say that they only look.
    [Fact]
    public async Task Request_ThatDeclinesTheLoad_IsServedOnlyByAModelThatIsInMemory()
    {
        await using var gateway = await Gateway.StartAsync(""" "looked-at": {"Runner":"demo","Memory":"100MB"} """);
        foreach (var path in new[] { "/v1/chat/completions?autoload=false", "/v1/chat/completions?autoload=0", "/v1/chat/completions?a=b&autoload=no" })
        {
            var refused = await gateway.PostAsync(path, Gateway.ChatBody("looked-at"));
            Assert.Equal((400, "model_not_loaded"), (refused.Status, refused.Code));
            Assert.Contains("'looked-at' is not in memory", refused.Message, StringComparison.Ordinal);
        }

        var props = await gateway.GetAsync("/props?model=looked-at&autoload=false");
        Assert.Equal((400, "model_not_loaded"), (props.Status, props.Code));
        Assert.Equal(404, (await gateway.PostAsync("/v1/chat/completions?autoload=false", Gateway.ChatBody("nobody"))).Status);
        Assert.Empty(await gateway.RunningAsync());

        Assert.Equal(200, (await gateway.PostAsync("/v1/chat/completions?autoload=true", Gateway.ChatBody("looked-at"))).Status);
        Assert.Equal(200, (await gateway.PostAsync("/v1/chat/completions?autoload=false", Gateway.ChatBody("looked-at"))).Status);
    }

    [Fact]
    public async Task Swagger_OfProps_ShowsWhatTheRouterSays()
    {
        var get = (await _gateway.GetAsync("/swagger/v1/swagger.json")).Json.GetProperty("paths").GetProperty("/props").GetProperty("get");

        var content = Assert.Single(get.GetProperty("responses").GetProperty("200").GetProperty("content").EnumerateObject());
        Assert.Equal("application/json", content.Name);
        var example = content.Value.GetProperty("example").EnumerateObject().Select(static m => m.Name);
        Assert.Equal((await _gateway.GetAsync("/props")).Json.EnumerateObject().Select(static m => m.Name), example);
        Assert.False(get.GetProperty("parameters")[0].TryGetProperty("required", out var required) && required.GetBoolean());
    }

    [Fact]
    public async Task Models_EachEntry_HasWhatClientsOfTheRouterRead()
    {
        var entry = await EntryAsync("/models", "keyed");

        Assert.Equal(
            ["id", "aliases", "tags", "object", "owned_by", "created", "status", "architecture", "source", "can_remove", "meta"],
            entry.EnumerateObject().Select(static m => m.Name));
        Assert.Equal(("model", "preset", false), (entry.GetProperty("object").GetString(), entry.GetProperty("source").GetString(), entry.GetProperty("can_remove").GetBoolean()));
        Assert.Equal("""["demo","--say","api_key=***","--prefill","0"]""", entry.GetProperty("status").GetProperty("args").GetRawText());
        Assert.Equal("""{"input_modalities":["text"],"output_modalities":["text"]}""", entry.GetProperty("architecture").GetRawText());
    }

    [Fact]
    public async Task Load_ModelDoesNotStart_IsToldInTheListInTheEventsAndToWhoAsksAgain()
    {
        using var events = await WatchAsync("/models/sse");

        await SendAsync("POST", "/models/load", """{"model":"broken"}"""); // refused, or begun: whichever is first

        var last = await events.UntilAsync(e => e.Text("model") == "broken" && e.GetProperty("data").Text("status") == "unloaded");
        Assert.Equal(1, last.GetProperty("data").GetProperty("exit_code").GetInt32());
        Assert.Contains("exit code 3", last.GetProperty("data").Text("failure"), StringComparison.Ordinal);
        var status = await StatusAsync("/models", "broken");
        Assert.Equal(("unloaded", true, 1), (status.Text("value"), status.GetProperty("failed").GetBoolean(), status.GetProperty("exit_code").GetInt32()));
        Assert.Equal((503, "model_launch_failed"), await CodeAsync("POST", "/models/load", """{"model":"broken"}""")); // it is left alone for a while, which is said at once
    }

    [Fact]
    public async Task Explain_ARefusedLoad_IsAmongTheDecisionsWithItsNumbers()
    {
        Assert.Equal((400, "insufficient_memory"), await CodeAsync("POST", "/models/load", """{"model":"huge"}"""));

        var decisions = (await _gateway.GetAsync("/api/explain")).Json.GetProperty("decisions").EnumerateArray();
        Assert.Contains(decisions, d => d.Text("kind") == "refused" && d.Text("model") == "huge" && d.Text("reason")!.Contains("GB is needed for huge", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Load_SlowOne_AnswersBeforeItIsThereAndCanBeCalledOff()
    {
        Assert.Equal((200, """{"success":true}"""), await SendAsync("POST", "/models/load", """{"model":"slow"}"""));
        Assert.Equal("loading", (await StatusAsync("/models", "slow")).Text("value"));

        Assert.Equal((200, """{"success":true}"""), await SendAsync("POST", "/models/unload", """{"model":"slow"}"""));

        await _gateway.UntilRunningAsync(r => r.All(m => m.Model != "slow"));
        Assert.Equal("unloaded", (await StatusAsync("/models", "slow")).Text("value"));
    }

    [Theory]
    [InlineData("POST", "/models/load", """{"model":"nobody"}""", 404, "model_not_found")]
    [InlineData("POST", "/models/load", """{"model":"absent"}""", 404, "model_files_missing")]
    [InlineData("POST", "/models/load", """{"model":"huge"}""", 400, "insufficient_memory")]
    [InlineData("POST", "/models/load", """{}""", 400, "invalid_request")]
    [InlineData("POST", "/models/load", """{"model":7}""", 400, "invalid_request")]
    [InlineData("POST", "/models/load", """{"model":"\ud800"}""", 400, "invalid_request")]
    [InlineData("POST", "/models/load", "", 400, "invalid_request")]
    [InlineData("POST", "/models/load", """{"model":"spare","model":"one"}""", 400, "invalid_request")]
    [InlineData("POST", "/api/models/load", "", 400, "invalid_request")]
    [InlineData("POST", "/api/models/load/", "", 400, "invalid_request")]
    [InlineData("POST", "/models/load", "[1]", 400, "invalid_request")]
    [InlineData("POST", "/models/unload", """{"model":"nobody"}""", 404, "model_not_found")]
    [InlineData("POST", "/models", """{"model":""}""", 400, "invalid_request")]
    [InlineData("POST", "/models/sse", "", 405, "method_not_allowed")]
    public async Task Route_SomethingIsWrong_SaysSoInTheOneShape(string method, string path, string body, int status, string code)
    {
        Assert.Equal((status, code), await CodeAsync(method, path, body));
    }

    [Fact]
    public async Task Download_NothingHereCanFetch_NamesTheCommandThatInstallsIt()
    {
        var answer = await _gateway.PostAsync("/models", """{"model":"org/name"}""");

        Assert.EndsWith(" huggingface_hub", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("org/name; rm -rf ~")]
    [InlineData("org/name:Q4' $(x)")]
    [InlineData("just-a-name")]
    public async Task Download_AnyOtherName_IsRefused(string model)
    {
        var answer = await _gateway.PostAsync("/models", JsonSerializer.Serialize(new { model }));

        Assert.Equal((400, "invalid_request"), (answer.Status, answer.Code));
    }

    private static string Bare(JsonElement status)
    {
        var bare = JsonNode.Parse(status.GetRawText())!.AsObject();
        bare.Remove("args");
        return bare.ToJsonString();
    }

    private async Task<JsonElement> StatusAsync(string path, string model) => (await EntryAsync(path, model)).GetProperty("status");

    private async Task<JsonElement> EntryAsync(string path, string model) =>
        (await _gateway.GetAsync(path)).Json.GetProperty("data").EnumerateArray().Single(m => m.GetProperty("id").GetString() == model);

    private async Task<(int, string)> SendAsync(string method, string path, string body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(body) };
        var answer = await _gateway.SendAsync(request);
        return (answer.Status, answer.Text);
    }

    private async Task<(int, string?)> CodeAsync(string method, string path, string? body)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : new StringContent(body) };
        var answer = await _gateway.SendAsync(request);
        return (answer.Status, answer.Code);
    }

    private Task<EventReader> WatchAsync(string path) => EventReader.OpenAsync(_gateway, path);

    public sealed class Fixture : IAsyncLifetime
    {
        public Gateway Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(
            """
            "spare":  {"Runner":"demo","Memory":"1MB"},
            "first":  {"Runner":"demo","Memory":"1MB"},
            "keyed":  {"Runner":"demo","Memory":"1MB","Args":["--say","api_key=abc","--prefill","0"]},
            "slow":   {"Runner":"demo","Memory":"1MB","Args":["--load-time","600"]},
            "broken": {"Runner":"demo","Memory":"1MB","Args":["--exit-at-start","3"]},
            "huge":   {"Runner":"demo","Memory":"100000GB"},
            "absent": {"Source":"/nowhere/model.gguf"}
            """,
            """
            "DefaultModel":"first","Residency":{"MaxResident":0,"Cooldown":"00:00:30"},"Memory":{"Reserve":"0GB"}
            """);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();
    }
}
