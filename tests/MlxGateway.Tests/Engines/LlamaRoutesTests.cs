using System.Buffers.Binary;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>What the real <c>llama-server</c> serves beside chats, through the gateway.</summary>
public sealed class LlamaRoutesTests(LlamaGateway fixture) : IClassFixture<LlamaGateway>
{
    private const string Hi = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

    private Gateway Gateway => fixture.Gateway;

    [Theory]
    [InlineData("/v1/responses", "{\"model\":\"tiny-a\",\"input\":\"hi\"}", "Hello from tiny-a .")]
    [InlineData("/v1/messages", "{\"model\":\"tiny-a\",\"max_tokens\":20," + Hi + "}", "Hello from tiny-a .")]
    [InlineData("/v1/responses/input_tokens", "{\"model\":\"tiny-a\",\"input\":\"hi\"}", "\"input_tokens\":")]
    [InlineData("/v1/messages/count_tokens", "{\"model\":\"tiny-a\"," + Hi + "}", "\"input_tokens\":")]
    [InlineData("/chat/completions", "{\"model\":\"tiny-a\"," + Hi + "}", "Hello from tiny-a .")]
    [InlineData("/tokenize", "{\"model\":\"tiny-a\",\"content\":\"hi\"}", "\"tokens\":[")]
    [InlineData("/detokenize", "{\"model\":\"tiny-a\",\"tokens\":[104,105]}", "\"content\":\"hi\"")]
    [InlineData("/completion", "{\"model\":\"tiny-a\",\"prompt\":\"hi\",\"n_predict\":2}", "\"content\":")]
    public async Task Route_ThatTheEngineServes_IsAnswered(string path, string body, string expected)
    {
        var answer = await Gateway.PostAsync(path, body);

        Assert.Equal(200, answer.Status);
        Assert.Contains(expected, answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Props_ModelInTheQuery_AreThoseOfThatModel()
    {
        var answer = await Gateway.GetAsync("/props?model=tiny-a");

        Assert.Equal(200, answer.Status);
        Assert.True(answer.Json.TryGetProperty("default_generation_settings", out _));
    }

    [Fact]
    public async Task Upstream_AnyPath_IsPassedThrough()
    {
        var slots = await Gateway.GetAsync("/upstream/tiny-a/slots");
        var tokens = await Gateway.PostAsync("/upstream/tiny-a/tokenize", "{\"content\":\"hi\"}");

        Assert.Equal(200, slots.Status);
        Assert.Equal(JsonValueKind.Array, slots.Json.ValueKind);
        Assert.Equal("{\"tokens\":[104,105]}", tokens.Text.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal("model_not_found", (await Gateway.GetAsync("/upstream/nobody/slots")).Code);
    }

    [Fact]
    public async Task Route_ThatTheEngineLacks_SaysWhoServesTheModelAndWhatItOffers()
    {
        var answer = await Gateway.PostAsync("/v1/audio/speech", "{\"model\":\"missing-not\",\"input\":\"x\"}");
        Assert.Equal("model_not_found", answer.Code);

        answer = await Gateway.PostAsync("/v1/audio/speech", "{\"model\":\"tiny-a\",\"input\":\"x\"}");

        Assert.Equal((404, "not_found"), (answer.Status, answer.Code));
        Assert.StartsWith("Model 'tiny-a' is served by llama_server, which has no /v1/audio/speech. It offers /completion, ", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Responses_Streamed_HaveTheIndexesThatClientsNeed()
    {
        var answer = await Gateway.PostAsync("/v1/responses", "{\"model\":\"tiny-a\",\"input\":\"hi\",\"stream\":true}");
        var events = answer.Text.Split('\n').Where(l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(l => JsonDocument.Parse(l[6..]).RootElement).ToList();

        Assert.Equal(Enumerable.Range(0, events.Count), events.Select(e => e.GetProperty("sequence_number").GetInt32()));
        Assert.Equal("response.completed", events[^1].GetProperty("type").GetString());
        Assert.All(events.Where(e => e.GetProperty("type").GetString() == "response.output_text.delta"), e =>
        {
            Assert.Equal(0, e.GetProperty("output_index").GetInt32());
            Assert.Equal(0, e.GetProperty("content_index").GetInt32());
        });
        Assert.DoesNotContain("[DONE]", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Messages_Streamed_EndAsTheirDialectDoes()
    {
        var answer = await Gateway.PostAsync("/v1/messages", "{\"model\":\"tiny-a\",\"max_tokens\":20,\"stream\":true," + Hi + "}");

        Assert.EndsWith("event: message_stop\ndata: {\"type\":\"message_stop\"}", answer.Text.Trim(), StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", answer.Text, StringComparison.Ordinal);
    }

    // What its clients ask for without being told to; the engine may answer either way.
    [Fact]
    public async Task Embeddings_AskedForAsBase64_AreTheSameNumbers()
    {
        var text = (await Gateway.PostAsync("/v1/embeddings", "{\"model\":\"vectors\",\"input\":\"a\",\"encoding_format\":\"base64\"}")).Json.GetProperty("data")[0].GetProperty("embedding").GetString()!;
        var numbers = (await Gateway.PostAsync("/v1/embeddings", "{\"model\":\"vectors\",\"input\":\"a\"}")).Json.GetProperty("data")[0].GetProperty("embedding").EnumerateArray().Select(n => n.GetSingle()).ToArray();
        var raw = Convert.FromBase64String(text);

        Assert.Equal(numbers, Enumerable.Range(0, raw.Length / 4).Select(i => BinaryPrimitives.ReadSingleLittleEndian(raw.AsSpan(4 * i))));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancel_WhileTheEngineGenerates_EndsItAndFreesItsPlace(bool stream)
    {
        await Gateway.ChatAsync("endless", "\"max_tokens\":1");
        var request = Gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("endless", $"\"max_tokens\":60000,\"stream\":{(stream ? "true" : "false")}"), ("x-request-id", $"to-cancel-{stream}"));
        var running = await Gateway.UntilRunningAsync(all => all.Any(m => m is { Model: "endless", Leases: 1 }));
        var engine = running.Single(m => m.Model == "endless").Pid!.Value;
        await EngineProcess.WorksAsync(engine);

        var cancelled = await Gateway.PostAsync($"/api/requests/to-cancel-{stream}/cancel", "");
        await Gateway.UntilRunningAsync(all => all.Any(m => m is { Model: "endless", Leases: 0 }));
        await EngineProcess.RestsAsync(engine, TimeSpan.FromSeconds(3));

        Assert.Equal(200, cancelled.Status);
        try
        {
            var answer = await request;
            Assert.Contains("request_cancelled", answer.Text, StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            Assert.True(stream, "only a stream that has begun may end without its last chunk");
        }

        Assert.Equal((404, "not_found"), await StatusOfAsync($"/api/requests/to-cancel-{stream}/cancel"));

        async Task<(int, string?)> StatusOfAsync(string path)
        {
            var again = await Gateway.PostAsync(path, "");
            return (again.Status, again.Code);
        }
    }
}
