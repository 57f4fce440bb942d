using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>What agents send and need, on the real <c>llama-server</c> through the gateway.</summary>
public sealed class LlamaAnswersTests(LlamaGateway fixture) : IClassFixture<LlamaGateway>
{
    private const string Function = """{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}""";

    private Gateway Gateway => fixture.Gateway;

    [Theory]
    [InlineData("""[{"type":"web_search"}]""")]
    [InlineData("""[{"type":"custom","custom":{"name":"x"}},FUNCTION,{"type":"web_search"}]""")]
    public async Task Chat_ToolsThatAreNoFunctions_AreNoReasonToRefuse(string tools)
    {
        var answer = await Gateway.ChatAsync("tiny-a", $"\"tools\":{tools.Replace("FUNCTION", Function, StringComparison.Ordinal)},\"tool_choice\":\"auto\"");

        Assert.True(answer.Status == 200, answer.Text);
        Assert.Equal("Hello from tiny-a .", answer.Content);
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","content":null,"encrypted_content":"x" """)]
    [InlineData(""","content":[]""")]
    public async Task Responses_ThoughtsThatComeBackWithoutWords_AreNoReasonToRefuse(string members)
    {
        var answer = await Gateway.PostAsync("/v1/responses", $$"""
            {"model":"tiny-a","input":[{"type":"message","role":"user","content":"hi"},{"type":"reasoning","id":"rs_1","summary":[]{{members}}},
             {"type":"message","role":"assistant","content":[{"type":"output_text","text":"yo"}]},{"type":"message","role":"user","content":"hi"}]}
            """);

        Assert.True(answer.Status == 200, answer.Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Chat_Streamed_HasTheCountsOnceIfTheyWereAskedForAndNeverElse(bool asks)
    {
        var answer = await Gateway.ChatAsync("tiny-a", $"\"stream\":true,\"stream_options\":{{\"include_usage\":{(asks ? "true" : "false")}}}");
        var counts = answer.Text.Split('\n').Where(static l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(static l => JsonDocument.Parse(l[6..]).RootElement)
            .Where(static e => e.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object).ToList();

        Assert.Equal(asks ? 1 : 0, counts.Count);
        Assert.All(counts, static e => Assert.Equal((0, "chat.completion.chunk"), (e.GetProperty("choices").GetArrayLength(), e.GetProperty("object").GetString())));
    }

    [Theory]
    [InlineData("/v1/chat/completions", "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]", "stop")]
    [InlineData("/v1/messages", "\"max_tokens\":20,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]", "end_turn")]
    [InlineData("/v1/responses", "\"input\":\"hi\"", null)]
    public async Task Record_OfEveryDialectStreamedOrNot_SaysWhatItCost(string path, string members, string? reason)
    {
        foreach (var stream in new[] { "true", "false" })
        {
            var id = $"cost{path.Replace('/', '-')}-{stream}";
            var answer = await Gateway.PostAsync(path, $"{{\"model\":\"tiny-a\",\"stream\":{stream},{members}}}", ("x-request-id", id));
            Assert.True(answer.Status == 200, answer.Text);

            var line = await Gateway.UntilWrittenAsync($"{id} {path}");
            var said = Regex.Match(line, @"first token (?<first>\S+) ms, .* tokens (?<in>\d+) in \((?<cached>\S+) cached\) at (?<read>\S+) a second, (?<out>\d+) out at (?<speed>\S+) a second, finish (?<reason>\S+),");
            Assert.True(said.Success, line);
            Assert.InRange(int.Parse(said.Groups["in"].Value, CultureInfo.InvariantCulture), 5, 100);
            Assert.InRange(int.Parse(said.Groups["out"].Value, CultureInfo.InvariantCulture), 3, 10);
            Assert.Matches(@"^\d+$", said.Groups["cached"].Value);
            Assert.True(stream == "true" == Regex.IsMatch(said.Groups["first"].Value, @"^[\d.]+$"), line);
            Assert.Equal(reason ?? "-", said.Groups["reason"].Value);
        }
    }
}
