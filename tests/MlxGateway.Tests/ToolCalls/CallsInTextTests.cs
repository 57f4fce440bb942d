using System.Text;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;
using MlxGateway.Tests.Inference.Answers;
using MlxGateway.ToolCalls;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

public sealed class CallsInTextTests
{
    private const string Call = """<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>""";

    [Theory]
    [InlineData("Well.\n" + Call, "Well.\n", 1)]
    [InlineData("use " + Call, "use " + Call, 0)]
    [InlineData("cut\n<tool_call>{", "cut\n<tool_call>{", 0)]
    public void Stream_InPiecesOfAnyLength_HasTheCallsAndTheText(string said, string text, int count)
    {
        for (var length = 1; length <= said.Length; length++)
        {
            var stream = string.Concat(said.Chunk(length).Select(piece => Chunk($"{{\"content\":{JsonValue.Create(new string(piece))!.ToJsonString()}}}", "null")))
                + Chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
            var chain = new FilterChain(new CallsInText(new HashSet<string> { "f" }), new ToolCallIds(), new FinishReasons(StreamShape.Chat, "mine"));
            var choices = chain.Run([Encoding.UTF8.GetBytes(stream)]).Split("\n\n").Where(e => e.StartsWith("data: {", StringComparison.Ordinal))
                .Select(e => JsonNode.Parse(e[6..])!["choices"]![0]!).ToList();
            Assert.Equal(text, string.Concat(choices.Select(c => (string?)c["delta"]!["content"])));
            var calls = choices.SelectMany(c => c["delta"]!["tool_calls"]?.AsArray() ?? []).ToList();
            Assert.Equal(count, calls.Count);
            Assert.All(calls, c => Assert.Equal(("call_new", "{\"a\":1}"), ((string?)c!["id"], (string?)c["function"]!["arguments"])));
            Assert.Equal(count > 0 ? "tool_calls" : "stop", (string?)choices[^1]["finish_reason"]);
        }
    }

    [Fact]
    public void Body_WithACall_HasItAndTheReason()
    {
        var body = $"{{\"choices\":[{{\"index\":0,\"message\":{{\"content\":{JsonValue.Create(Call)!.ToJsonString()}}},\"finish_reason\":\"stop\"}}]}}";
        var filtered = new ToolCallIds().FilterBody(new CallsInText(new HashSet<string> { "f" }).FilterBody(Encoding.UTF8.GetBytes(body)));
        var choice = JsonNode.Parse(filtered.Span)!["choices"]![0]!;
        Assert.Equal("tool_calls", (string?)choice["finish_reason"]);
        Assert.Equal("f", (string?)choice["message"]!["tool_calls"]![0]!["function"]!["name"]);
    }

    private static string Chunk(string delta, string reason) => $"data: {{\"id\":\"1\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{reason}}}]}}\n\n";
}
