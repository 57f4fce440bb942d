using System.Text;
using System.Text.Json.Nodes;
using MlxGateway.Tests.Inference.Answers;
using MlxGateway.ToolCalls;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

/// <summary>What becomes of events and bodies beside what is said in them.</summary>
public sealed class CallsInTextTests
{
    private const string Call = "<tool_call>{\"name\":\"get_weather\",\"arguments\":{}}</tool_call>";

    [Fact]
    public void Events_WithACall_KeepWhatElseTheyHold()
    {
        var sent = $$$"""data: {"id":"x","model":"m","choices":[{"logprobs":{"content":[]},"delta":{"role":"assistant","content":{{{JsonValue.Create(Call)!.ToJsonString()}}},"reasoning":"r","tool_calls":null},"index":0,"finish_reason":"stop"}],"usage":{"total_tokens":5}}""" + "\n\ndata: [DONE]\n\n";

        Assert.Equal(
            """data: {"id":"x","model":"m","choices":[{"logprobs":{"content":[]},"delta":{"role":"assistant","content":"","reasoning":"r","tool_calls":[{"index":0,"id":"call_new","type":"function","function":{"name":"get_weather","arguments":"{}"}}]},"index":0,"finish_reason":"tool_calls"}],"usage":{"total_tokens":5}}""" + "\n\ndata: [DONE]\n\n",
            Run(sent));
    }

    [Fact]
    public void Reason_BesideNoDelta_HasWhatWasHeldInFront()
    {
        var sent = CallAnswers.Event(new JsonObject { ["content"] = "<tool" }, null) + """data: {"choices":[{"index":0,"finish_reason":"length"}]}""" + "\n\n";

        Assert.EndsWith("""data: {"choices":[{"delta":{"content":"<tool"},"index":0,"finish_reason":"length"}]}""" + "\n\n", Run(sent), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}""", """{"choices":[{"index":0,"delta":{"content":"<tool"},"finish_reason":"length"}]}""")]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":null},"finish_reason":"length"}]}""", """{"choices":[{"index":0,"delta":{"content":"<tool"},"finish_reason":"length"}]}""")]
    [InlineData("""{"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":"length"}]}""", """{"choices":[{"index":0,"delta":{"content":"<tool","role":"assistant"},"finish_reason":"length"}]}""")]
    [InlineData("""{"choices":[{"index":0,"delta":{"content":"\ud800"},"finish_reason":null}]}""", """{"choices":[{"index":0,"delta":{"content":"<tool\ud800"},"finish_reason":null}]}""")]
    [InlineData("""{"choices":[]}""", """{"choices":[]}""")]
    public void NextEvent_BehindHeldText_HasItWhereItBelongs(string next, string expected) =>
        Assert.EndsWith($"data: {expected}\n\n", Run(CallAnswers.Event(new JsonObject { ["content"] = "<tool" }, null) + $"data: {next}\n\n"), StringComparison.Ordinal);

    [Fact]
    public void End_WithoutAReason_ComesBehindWhatIsOwed()
    {
        var text = Run(CallAnswers.Event(new JsonObject { ["content"] = "<tool" }, null) + "data: [DONE]\n\n");

        Assert.EndsWith("""data: {"id":"1","created":7,"object":"chat.completion.chunk","model":"mine","choices":[{"index":0,"delta":{"content":"<tool"},"finish_reason":null}]}""" + "\n\ndata: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Stream_ThatEndsWithoutItsLastWord_IsGivenWhatIsOwed()
    {
        var filter = CallAnswers.Filter("hermes");
        _ = filter.FilterEvents(Encoding.UTF8.GetBytes(CallAnswers.Event(new JsonObject { ["content"] = "<tool" }, null)));

        Assert.Contains("\"content\":\"\\u003Ctool\"".Replace("\\u003C", "<", StringComparison.Ordinal), Encoding.UTF8.GetString(filter.FinishEvents().Span), StringComparison.Ordinal);
        Assert.True(filter.FinishEvents().IsEmpty);
    }

    [Fact]
    public void Choices_SideBySide_HaveTheirOwnCalls()
    {
        var stream = string.Concat(Call.Chunk(5).Select(static (piece, i) => CallAnswers.Event(new JsonObject { ["content"] = i == 0 ? "Hm " : null }, null) + CallAnswers.Event(new JsonObject { ["content"] = new string(piece) }, null, index: 1)))
            + CallAnswers.Event([], "stop") + CallAnswers.Event([], "stop", index: 1) + "data: [DONE]\n\n";

        Assert.Equal(("Hm ", 0, "stop"), Shape(CallAnswers.Received("hermes", [Encoding.UTF8.GetBytes(stream)])));
        Assert.Equal(("", 1, "tool_calls"), Shape(CallAnswers.Received("hermes", [Encoding.UTF8.GetBytes(stream)], choice: 1)));

        static (string Text, int Calls, string Reason) Shape(ClientAnswer answer) => (answer.Text, answer.Calls.Count, answer.Reason);
    }

    [Fact]
    public void Calls_OfTheEngine_StayAndSoDoesTheTextBesideThem()
    {
        var sent = """data: {"choices":[{"index":0,"delta":{"content":"CALL","tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""".Replace("CALL", JsonEncoded(Call), StringComparison.Ordinal) + "\n\n";

        Assert.Equal(sent, Run(sent));
    }

    [Fact]
    public void Body_WithNothingButCalls_HasNoContent()
    {
        var body = $$$"""{"choices":[{"message":{"content":{{{JsonValue.Create(Call + Call)!.ToJsonString()}}} },"finish_reason":"stop"},{"index":1,"message":{"content":"hi"},"finish_reason":"stop"}]}""";

        var got = JsonNode.Parse(CallAnswers.Filter("hermes").FilterBody(Encoding.UTF8.GetBytes(body)).Span)!["choices"]!;

        Assert.Null(got[0]!["message"]!["content"]);
        Assert.Equal(2, got[0]!["message"]!["tool_calls"]!.AsArray().Select(static call => (string)call!["id"]!).Distinct().Count());
        Assert.Equal("""{"index":1,"message":{"content":"hi"},"finish_reason":"stop"}""", got[1]!.ToJsonString());
    }

    [Fact]
    public void Calls_WhereOneIsWanted_AreTheFirstOne()
    {
        var filter = CallAnswers.Filter("hermes", isParallel: false);
        var text = new FilterChain(filter).Run([Encoding.UTF8.GetBytes(CallAnswers.Event(new JsonObject { ["content"] = Call + "\n" + Call }, null) + CallAnswers.Event(new JsonObject { ["content"] = Call }, null) + CallAnswers.Event([], "stop"))]);

        Assert.Equal(2, text.Split("get_weather").Length);
        Assert.Contains("\"finish_reason\":\"tool_calls\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public void WhiteSpace_AtTheFront_IsHeldNoLongerThanACallMayNeed()
    {
        var scanner = new CallScanner(new HermesReader(CallAnswers.Tools));
        var said = 0;
        for (var i = 0; i < 100; i++)
        {
            _ = scanner.Take(new string('\n', 100), isEnd: false);
            said += scanner.Text.Length;
        }

        Assert.Equal(10_000, said);
    }

    [Theory]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"<tool_call>\"}}]\n\n")] // no JSON
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":[{\"type\":\"text\"}]}}]}\n\n")]
    [InlineData("data: {\"choices\":{\"index\":0}}\n\n")]
    [InlineData("data: \"choices\"\n\n")]
    [InlineData(": <tool_call>\n\n")]
    public void Event_OfAnotherShape_PassesAsItIs(string sent) => Assert.Equal(sent, Run(sent));

    [Fact]
    public void Token_AfterTheFirst_AllocatesNothing()
    {
        var filter = CallAnswers.Filter("gemma");
        ReadOnlyMemory<byte> token = Encoding.UTF8.GetBytes("""data: {"id":"c","created":1,"choices":[{"index":0,"delta":{"content":" wo\nrd `x` < \u20ac"},"finish_reason":null}]}""" + "\n\n");
        Send(100);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(1000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Send(int times)
        {
            for (var i = 0; i < times; i++)
            {
                Assert.True(token.Equals(filter.FilterEvents(token)));
            }
        }
    }

    private static string Run(string events) => new FilterChain(CallAnswers.Filter("hermes")).Run([Encoding.UTF8.GetBytes(events)]);

    private static string JsonEncoded(string text) => JsonValue.Create(text)!.ToJsonString()[1..^1];
}
