using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

/// <summary>Tools of models whose engine does not know them, from the client to the runner and back.</summary>
public sealed class ToolCallsGatewayTests(ToolCallsGatewayTests.Models models) : IClassFixture<ToolCallsGatewayTests.Models>
{
    private const string Tools = """
        "tools":[{"type":"function","function":{"name":"get_weather","description":"The weather.","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"}},"required":["city"]}}}]
        """;

    private const string Code = "I look it up.\n```tool_code\nprint(get_weather(city=\"New York\", days=3))\n```";
    private const string Tagged = "<tool_call> {\"name\": \"get_weather\", \"arguments\": {\"city\": \"New York\"}} </tool_call>";

    [Theory]
    [InlineData("gemma", Code, "I look it up.\n", """{"city":"New York","days":3}""")]
    [InlineData("hermes", Tagged, "", """{"city": "New York"}""")]
    public async Task Call_InTheText_ReachesTheClientAsOne(string model, string said, string text, string arguments)
    {
        var asWhole = await models.Gateway.ChatAsync(model, $"{Tools},{Say(said)}");
        var whole = asWhole.Json.GetProperty("choices")[0];
        var message = whole.GetProperty("message");
        Assert.Equal(text, message.GetProperty("content").GetString() ?? "");
        Assert.Equal(arguments, message.GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString());
        Assert.Equal("tool_calls", whole.GetProperty("finish_reason").GetString());

        var streamed = await models.Gateway.ChatAsync(model, $"{Tools},\"stream\":true,{Say(said)}");
        var choices = streamed.Text.Split('\n').Where(static l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(static l => JsonDocument.Parse(l[6..]).RootElement.GetProperty("choices")[0]).ToList();
        Assert.Equal(text, string.Concat(choices.Select(static c => c.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() : null)));
        var call = Assert.Single(choices, static c => c.GetProperty("delta").TryGetProperty("tool_calls", out _)).GetProperty("delta").GetProperty("tool_calls")[0];
        Assert.Equal(arguments, call.GetProperty("function").GetProperty("arguments").GetString());
        Assert.Matches("^call_[0-9a-f]{24}$", call.GetProperty("id").GetString());
        Assert.Equal("tool_calls", choices[^1].GetProperty("finish_reason").GetString());
        Assert.EndsWith("data: [DONE]\n\n", streamed.Text, StringComparison.Ordinal);

        // What is recorded is what the clients were told.
        foreach (var answer in new[] { asWhole, streamed })
        {
            Assert.Contains("finish tool_calls,", await models.Gateway.UntilWrittenAsync($"{answer.Header("x-request-id")} /v1/chat"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("gemma", "\"tool_choice\":\"none\",")]
    [InlineData("native", "")]
    public async Task Call_WhereNoneIsToBeRead_StaysText(string model, string members)
    {
        var choice = (await models.Gateway.ChatAsync(model, $"{Tools},{members}{Say(Code)}")).Json.GetProperty("choices")[0];

        Assert.Equal((Code, "stop"), (choice.GetProperty("message").GetProperty("content").GetString(), choice.GetProperty("finish_reason").GetString()));
    }

    [Fact]
    public async Task Tools_OfATemplateThatTakesNone_AreToldBehindTheInstructionsOfTheConfiguration()
    {
        await models.Gateway.ChatAsync("told", Tools);

        var port = (await models.Gateway.RunningAsync()).Single(static m => m.Model == "told").Port;
        using var client = new HttpClient();
        var body = JsonDocument.Parse(await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/demo/last"), TestContext.Current.CancellationToken)).RootElement.GetProperty("body");
        Assert.False(body.TryGetProperty("tools", out _));
        var system = Assert.Single(body.GetProperty("messages").EnumerateArray(), static m => m.GetProperty("role").GetString() == "system").GetProperty("content").GetString();
        Assert.StartsWith("Be brief.\n\n", system, StringComparison.Ordinal);
        Assert.Contains("def get_weather(city: str, days: int = None):", system, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_ThatBreaksOff_IsNoCleanEnd()
    {
        var answer = await models.Gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("gemma", $$"""{{Tools}},"demo":{"say":{{JsonValue.Create(Code)!.ToJsonString()}},"cut_after":6}"""));

        Assert.Equal((502, "runner_failed"), (answer.Status, answer.Code));
    }

    private static string Say(string text) => $$"""
        "demo":{"say":{{JsonValue.Create(text)!.ToJsonString()}} }
        """;

    /// <summary>A gateway over demonstration runners, each of which writes its calls in another form.</summary>
    public sealed class Models : IAsyncLifetime
    {
        /// <summary>The gateway.</summary>
        public Gateway Gateway { get; private set; } = null!;

        /// <inheritdoc/>
        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(
            """
            "gemma":  {"Runner":"demo","Memory":"1MB","ToolFormat":"gemma"},
            "hermes": {"Runner":"demo","Memory":"1MB","ToolFormat":"hermes"},
            "native": {"Runner":"demo","Memory":"1MB"},
            "told":   {"Runner":"demo","Memory":"1MB","ToolFormat":"Gemma","SystemPrompt":"Be brief."}
            """,
            "\"Residency\":{\"MaxResident\":0},\"Memory\":{\"Reserve\":\"0GB\"}");

        /// <inheritdoc/>
        public ValueTask DisposeAsync() => Gateway.DisposeAsync();
    }
}
