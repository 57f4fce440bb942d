using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using MlxGateway.Tests.Inference;
using MlxGateway.Tests.Inference.Answers;
using MlxGateway.ToolCalls;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

/// <summary>Whatever a model says, in whatever pieces: nothing is thrown, nothing is lost and nothing depends on the pieces. <c>MLXGATEWAY_TESTS_FUZZ=N</c> tries N thousand of each.</summary>
public sealed class CallPropertyTests
{
    private static readonly int? Thousands = int.TryParse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : null;
    private static readonly int Inputs = (Thousands ?? 1) * 1000;
    private static readonly int Seed = Thousands ?? 20_261_129;

    private static readonly string[] Parts =
    [
        "<tool_call>", "</tool_call>", """{"name":"get_weather","arguments":{"city":"Paris"}}""", """{"name":"list-files","parameters":{}}""", """{"name":"none","arguments":{}}""", "```tool_code\n", "```", "\n```\n", "~~~",
        "get_weather(city='Paris')", "print(", "list-files()", ")", "(", "[", "]", "'", "\"", "\\", "#", "=", "None", "'''", "<|python_tag|>", "; ", "[TOOL_CALLS]", "[ARGS]", "get_weather[ARGS]{}", "{", "}", "<", "tool_call", " ", "\n", "\n\n",
        "\r\n", "word", "€", "𝄞", "\\u0041", "\0", "1e9", "-", ",", "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {}}\n</tool_call>\n", "```tool_code\nget_weather('Rome')\n```\n",
        "[TOOL_CALLS] [{\"name\":\"list-files\",\"arguments\":{}}]", "[TOOL_CALLS]get_weather[ARGS]{}",
    ];

    private static readonly string[] Prose = ["word", " ", "\n", "a < b", "<b>", "`code`", "``", "€", "𝄞", "[1]", "(x)", "{y}", "\\", "\"quoted\"", "\t", "'", "```\ncode\n```\n", "; ", "[TOOL", "<tool_cal", "<|python"];

    [Theory]
    [InlineData("hermes")]
    [InlineData("gemma")]
    [InlineData("llama3")]
    [InlineData("mistral")]
    public void Answer_OfAnyParts_DependsOnNoPieces(string form)
    {
        var random = new Random(Seed);
        var withCalls = 0;
        for (var i = 0; i < Inputs; i++)
        {
            var said = Text(Parts, random);
            var whole = CallAnswers.Whole(form, said, "stop");
            Assert.Equal(whole.Golden, CallAnswers.Stream(form, RandomPieces.Of(said, random), "stop").Golden);
            withCalls += whole.Calls.Count > 0 ? 1 : 0;
            if (whole.Calls.Count == 0)
            {
                Assert.Equal(said, whole.Text);
            }
        }

        Assert.InRange(withCalls, Inputs / 100, Inputs - 1);
    }

    [Theory]
    [InlineData("hermes")]
    [InlineData("gemma")]
    [InlineData("llama3")]
    [InlineData("mistral")]
    public void Events_WithoutMarks_PassByteForByte(string form)
    {
        var random = new Random(Seed + 1);
        for (var i = 0; i < Inputs; i++)
        {
            var pieces = RandomPieces.Of("Well: " + Text(Prose, random).Replace("<tool", "<toll", StringComparison.Ordinal), random).ToList();
            var filter = CallAnswers.Filter(form);
            var (sent, received) = (new StringBuilder(), new StringBuilder());
            foreach (var piece in pieces)
            {
                var bytes = Encoding.UTF8.GetBytes(CallAnswers.Event(new JsonObject { ["content"] = piece }, null));
                var heldNothing = sent.Length == received.Length;
                var got = filter.FilterEvents(bytes);
                sent.Append(piece);
                received.Append((string?)JsonNode.Parse(got.Span[6..])!["choices"]![0]!["delta"]!["content"]);
                Assert.InRange(sent.Length - received.Length, 0, "<|python_tag|>".Length); // no more than what may become a mark
                if (heldNothing && sent.Length == received.Length)
                {
                    Assert.True(got.Span.SequenceEqual(bytes));
                }
            }
        }
    }

    [Fact]
    public void Streams_MutatedAndCut_ComeOutTheSame()
    {
        string[] corpus =
        [
            CallAnswers.Event(new JsonObject { ["role"] = "assistant", ["content"] = "Well.\n<tool_call>{\"name\":\"get_weather\"," }, null) + CallAnswers.Event(new JsonObject { ["content"] = "\"arguments\":{}}</tool_call>" }, null) + CallAnswers.Event([], "stop") + "data: [DONE]\n\n",
            CallAnswers.Event(new JsonObject { ["content"] = "<tool_", ["tool_calls"] = null }, null) + CallAnswers.Event(new JsonObject { ["content"] = "<tool_call>" }, null, index: 1) + CallAnswers.Event([], "stop", index: 1) + "data: [DONE]\n\n",
        ];
        string[] words = ["\"", "\\", "\\ud800", "{", "}", "[", "]", "null", "data: ", "\n", "\n\n", "\r\n", "[DONE]", "\"content\":\"<tool\"", "\"tool_calls\":[]", "\"finish_reason\":\"stop\"", "\"index\":2,", "<tool_call>", "\"delta\":{},"];
        var mutations = new Mutations(Seed + 2, corpus, words);
        var changed = 0;
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var whole = new FilterChain(CallAnswers.Filter("hermes")).Run([bytes]);
            var cut = new FilterChain(CallAnswers.Filter("hermes")).Run(Pieces.Cut(bytes, mutations.Random));
            Assert.Equal(Ids().Replace(whole.TrimEnd('\r', '\n'), "call"), Ids().Replace(cut.TrimEnd('\r', '\n'), "call"));
            changed += whole == Encoding.UTF8.GetString(bytes) ? 0 : 1;
        }

        Assert.InRange(changed, Inputs / 10, Inputs);
    }

    private static System.Text.RegularExpressions.Regex Ids() => new("call_(new|[0-9a-f]{24})");

    private static string Text(string[] parts, Random random) => string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => parts[random.Next(parts.Length)]));
}
