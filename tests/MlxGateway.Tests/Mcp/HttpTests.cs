using System.Security.Cryptography;
using System.Text;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>What Streamable HTTP asks of a server beside its tools.</summary>
public sealed class HttpTests(HttpTests.Guarded fixture) : IClassFixture<HttpTests.Guarded>
{
    private const string List = """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""";

    public static TheoryData<string, string?, string?, int, string> Unfit => new()
    {
        { List, "text/plain", null, 415, "unsupported_media_type" },
        { List, null, "application/json", 406, "not_acceptable" },
        { List, null, "text/event-stream", 406, "not_acceptable" },
        { "{", null, null, 400, "invalid_request" },
        { "null", null, null, 400, "invalid_request" },
        { $"[{List}]", null, null, 400, "invalid_request" },
        { """{"jsonrpc":"1.0","id":1,"method":"tools/list"}""", null, null, 400, "invalid_request" },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public async Task Message_ThatIsNone_IsRefusedInTheOneShape(string body, string? type, string? accept, int status, string code)
    {
        var answer = await PostAsync(body, type, accept);

        Assert.Equal(status, answer.Status);
        Assert.Equal(code, answer.Code);
    }

    [Fact]
    public async Task Message_IsAnsweredWithoutASession()
    {
        var answer = await PostAsync(List);

        Assert.Equal(200, answer.Status);
        Assert.StartsWith("text/event-stream", answer.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("\"launch_llm_server\"", answer.Text, StringComparison.Ordinal);
        Assert.Null(answer.Header("Mcp-Session-Id"));
    }

    [Theory]
    [InlineData("1900-01-01")]
    [InlineData("2030-01-01")]
    [InlineData("banana")]
    public async Task Revision_ThatIsNotSpoken_Is400AndNamesThoseThatAre(string version)
    {
        var answer = await PostAsync(List, headers: [("MCP-Protocol-Version", version)]);
        var error = answer.Json.GetProperty("error");

        Assert.Equal((400, -32022), (answer.Status, error.GetProperty("code").GetInt32()));
        Assert.Contains("2025-11-25", error.GetProperty("data").GetProperty("supported").EnumerateArray().Select(v => v.GetString()));
    }

    [Fact]
    public async Task Revisions_AreThoseOfThePackage()
    {
        // A newer package may speak more of them. It names those with a handshake and those without one apart.
        var with = await PostAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"none","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}""");
        var without = await PostAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"none"}}}""");
        var mine = await PostAsync(List, headers: [("MCP-Protocol-Version", "none")]);

        Assert.Equal([.. Supported(with), .. Supported(without)], Supported(mine));

        static IEnumerable<string?> Supported(Answer answer) => System.Text.Json.JsonDocument.Parse(answer.Text[answer.Text.IndexOf('{', StringComparison.Ordinal)..])
            .RootElement.GetProperty("error").GetProperty("data").GetProperty("supported").EnumerateArray().Select(static v => v.GetString());
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"explain","arguments":[]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call"}""")]
    public async Task Call_WithoutAnObjectOfArguments_IsTheClientsMistake(string call) =>
        Assert.Equal(-32602, (await PostAsync(call)).Json.GetProperty("error").GetProperty("code").GetInt32());

    [Fact]
    public async Task Messages_InAList_AreToSendOneByOne() => Assert.Contains("send each message by itself", (await PostAsync($"[{List},{List}]")).Text, StringComparison.Ordinal);

    [Fact]
    public async Task Message_ThatIsTooLarge_IsToldTheLimitOfMessages()
    {
        var answer = await PostAsync(new string(' ', (1 << 20) + 1));

        Assert.Equal((413, "request_too_large"), (answer.Status, answer.Code));
        Assert.Contains("1 MB", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Session_OfAnEarlierGateway_GoesOn()
    {
        var answer = await PostAsync(List, headers: [("Mcp-Session-Id", "of-another-life"), ("MCP-Protocol-Version", "2025-06-18")]);

        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task Notification_IsAcceptedWithoutAnAnswer()
    {
        var answer = await PostAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");

        Assert.Equal((202, ""), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task Get_IsNotOffered()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/mcp");
        var answer = await fixture.Gateway.SendAsync(request, ("Authorization", $"Bearer {Guarded.Admin}"));

        Assert.Equal((405, "method_not_allowed"), (answer.Status, answer.Code));
        Assert.Contains("POST", answer.Header("Allow"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tools/list", null, "says 'tools/list', and the body 'tools/call'")]
    [InlineData("tools/call", "list_models", "says 'list_models', and the body 'explain'")]
    public async Task Headers_ThatSayAnotherThingThanTheBody_AreRefused(string method, string? name, string says)
    {
        var answer = await PostAsync(
            """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"explain"}}""",
            headers: [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method), .. name is null ? [] : new[] { ("Mcp-Name", name) }]);

        Assert.Equal(400, answer.Status);
        Assert.Contains(says, answer.Json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_FindsTheCallOfItsSessionAlone()
    {
        const string Load = """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"load_model","arguments":{"model_name":"slow"}}}""";
        const string Cancel = """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}""";
        var mine = PostAsync(Load, headers: [("Mcp-Session-Id", "mine")]);
        var other = PostAsync(Load, headers: [("Mcp-Session-Id", "other")]);
        await UntilWaitingAsync(2);
        await PostAsync(Cancel, headers: [("Mcp-Session-Id", "mine")]);

        var cancelled = await mine;
        Assert.DoesNotContain("\"id\":7", cancelled.Text, StringComparison.Ordinal);
        await UntilWaitingAsync(1);
        Assert.False(other.IsCompleted);
        using var end = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        Assert.Equal(204, (await fixture.Gateway.SendAsync(end, ("Mcp-Session-Id", "other"), ("Authorization", $"Bearer {Guarded.Admin}"))).Status);
        await other;
        await UntilWaitingAsync(0);
    }

    [Fact]
    public async Task Client_ThatLeaves_CallsItsCallOff()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway, Guarded.Admin);
        using var enough = new CancellationTokenSource();
        var load = agent.CallAsync("load_model", new { model_name = "slow2" }, cancellationToken: enough.Token);
        await UntilWaitingAsync(1, "slow2");
        await enough.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
        await UntilWaitingAsync(0, "slow2");
    }

    [Fact]
    public async Task KeyThatMayLook_SeesItsModelsAndSteersNothing()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway, Guarded.Reader);
        var models = (await agent.AskAsync("list_models")).GetProperty("models").EnumerateArray().Select(m => m.GetProperty("id").GetString());

        Assert.Equal(["one"], models);
        await using (var all = await Agent.OverHttpAsync(fixture.Gateway, Guarded.Admin))
        {
            await all.AskAsync("load_model", new { model_name = "one" });
            await all.AskAsync("load_model", new { model_name = "two" });
        }

        var explained = await agent.AskAsync("explain");
        Assert.Equal(["one"], explained.GetProperty("resident").EnumerateArray().Select(m => m.GetProperty("model").GetString()));
        Assert.DoesNotContain("two", explained.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("The key 'reader' may look and not steer: load_model needs one with the scope admin.", await agent.RefusedAsync("load_model", new { model_name = "one" }));
        Assert.Equal(401, (await PostAsync(List, key: "wrong")).Status);
        Assert.Equal(403, (await PostAsync(List, key: Guarded.Inference)).Status);
    }

    [Fact]
    public async Task ForeignPage_IsNotServed()
    {
        Assert.Equal((403, "forbidden_origin"), ((await PostAsync(List, headers: [("Origin", "https://evil.example")])) is var answer ? answer.Status : 0, answer.Code));
    }

    private async Task<Answer> PostAsync(string body, string? type = null, string? accept = null, string key = Guarded.Admin, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = new StringContent(body, Encoding.UTF8, type ?? "application/json") };
        return await fixture.Gateway.SendAsync(request, [("Accept", accept ?? "application/json, text/event-stream"), ("Authorization", $"Bearer {key}"), .. headers]);
    }

    private async Task UntilWaitingAsync(int waiting, string model = "slow") => await Gateway.UntilAsync(async () =>
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/running");
        var answer = await fixture.Gateway.SendAsync(request, ("Authorization", $"Bearer {Guarded.Admin}"));
        return answer.Json.GetProperty("running").EnumerateArray().Any(m => m.GetProperty("model").GetString() == model && m.GetProperty("waiting").GetInt32() == waiting);
    });

    /// <summary>A gateway that wants keys.</summary>
    public sealed class Guarded : IAsyncLifetime
    {
        public const string Admin = "sk-admin";
        public const string Reader = "sk-reader";
        public const string Inference = "sk-inference";

        public Gateway Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(
            """
            "one": {"Runner":"demo","Memory":"100MB"},
            "two": {"Runner":"demo","Memory":"100MB"},
            "slow": {"Runner":"demo","Memory":"100MB","Args":["--load-time","600"]},
            "slow2": {"Runner":"demo","Memory":"100MB","Args":["--load-time","600"]}
            """,
            $$"""
            "Residency":{"MaxResident":0},"Memory":{"Reserve":"0GB"},
            "Access":{"Keys":{ "admin":{"Hash":"{{Hash(Admin)}}","Scopes":["admin","inference"]}, "reader":{"Hash":"{{Hash(Reader)}}","Scopes":["read"],"Models":["one"]}, "infer":{"Hash":"{{Hash(Inference)}}","Scopes":["inference"]} } }
            """);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();

        private static string Hash(string key) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
    }
}
