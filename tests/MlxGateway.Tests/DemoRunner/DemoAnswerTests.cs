using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Xunit;

namespace MlxGateway.Tests.DemoRunner;

public sealed class DemoAnswerTests(DemoAnswerTests.Fixture fixture) : IClassFixture<DemoAnswerTests.Fixture>
{
    private Demo Demo => fixture.Demo;

    [Fact]
    public async Task Models_Asked_ListsTheOne()
    {
        using var document = JsonDocument.Parse(await Demo.Client.GetStringAsync("/v1/models", TestContext.Current.CancellationToken));

        Assert.Equal("demo-small", Assert.Single(document.RootElement.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal("""{"status":"ok"}""", await Demo.Client.GetStringAsync("/health", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Chat_NotStreamed_SaysThatItIsADemonstration()
    {
        var (status, body) = await Demo.ChatAsync();

        Assert.Equal(200, status);
        Assert.Equal("asked-for", body.GetProperty("model").GetString());
        Assert.Equal("chat.completion", body.GetProperty("object").GetString());
        var choice = body.GetProperty("choices")[0];
        Assert.Equal(
            "Hello from demo-small. This is a demonstration, not a language model: it says the same whatever it is asked.",
            choice.GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(2, body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(19, body.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Fact]
    public async Task Chat_Streamed_ComesWordByWordWithUsageAndDone()
    {
        var events = await StreamAsync("/v1/chat/completions", """{"messages":[],"stream":true,"stream_options":{"include_usage":true}}""");

        Assert.Equal("[DONE]", events[^1]);
        var chunks = events[..^1].Select(e => JsonDocument.Parse(e).RootElement).ToList();
        Assert.Equal(21, chunks.Count);
        Assert.Equal("assistant", chunks[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        var said = string.Concat(chunks[..19].Select(c => c.GetProperty("choices")[0].GetProperty("delta").GetProperty("content").GetString()));
        Assert.StartsWith("Hello from demo-small. This is a demonstration", said, StringComparison.Ordinal);
        Assert.Equal("stop", chunks[19].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Empty(chunks[20].GetProperty("choices").EnumerateArray());
        Assert.Equal(19, chunks[20].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.Single(chunks.Select(c => c.GetProperty("id").GetString()).Distinct());
    }

    [Fact]
    public async Task Chat_FewerTokensAllowed_EndsByLength()
    {
        var (_, body) = await Demo.ChatAsync("\"max_tokens\":2");

        Assert.Equal("Hello from", body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal("length", body.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Fact]
    public async Task Chat_MoreTokensWished_RepeatsTheText()
    {
        var (_, body) = await Demo.ChatAsync("\"demo\":{\"say\":\"one two\",\"tokens\":5}");

        Assert.Equal("one two one two one", body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task Chat_ToolCallWished_CallsTheFirstTool()
    {
        const string Tools = """
            "tools":[{"type":"function","function":{"name":"look"}},{"type":"function","function":{"name":"other"}}],"demo":{"tool_call":true}
            """;

        var (_, whole) = await Demo.ChatAsync(Tools);
        var streamed = await StreamAsync("/v1/chat/completions", """{"messages":[],"stream":true,""" + Tools + "}");

        var call = whole.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function");
        Assert.Equal("look", call.GetProperty("name").GetString());
        Assert.Equal("{}", call.GetProperty("arguments").GetString());
        Assert.Equal("tool_calls", whole.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Contains("\"name\":\"look\",\"arguments\":\"{\"", streamed[0], StringComparison.Ordinal);
        Assert.Contains("\"arguments\":\"}\"", streamed[1], StringComparison.Ordinal);
        Assert.Contains("\"finish_reason\":\"tool_calls\"", streamed[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_Plain_HasText()
    {
        var (_, body) = await Demo.PostAsync("/v1/completions", """{"prompt":"a b c","demo":{"tokens":2}}""");

        Assert.Equal("text_completion", body.GetProperty("object").GetString());
        Assert.Equal("Hello from", body.GetProperty("choices")[0].GetProperty("text").GetString());
        Assert.Equal(3, body.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task Embeddings_AsFloatsAndAsBase64_AreTheSameVector()
    {
        var (_, floats) = await Demo.PostAsync("/v1/embeddings", """{"input":["a","b"]}""");
        var (_, packed) = await Demo.PostAsync("/v1/embeddings", """{"input":"a","encoding_format":"base64"}""");

        var a = floats.GetProperty("data")[0].GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()).ToArray();
        var b = floats.GetProperty("data")[1].GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()).ToArray();
        Assert.NotEqual(a, b);
        Assert.Equal(a, MemoryMarshal.Cast<byte, float>(packed.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64()));
        Assert.Equal(1, a.Sum(v => v * v), 3);
    }

    [Theory]
    [InlineData("""{"messages":[],"demo":{"die_aftr":1}}""", "demo.die_aftr")]
    [InlineData("""{"messages":[],"demo":{"die_after":"soon"}}""", "soon")]
    [InlineData("""{"model":"m"}""", "messages")]
    [InlineData("""{"messages":[],"stream":"yes"}""", "type")]
    [InlineData("{", "JSON")]
    public async Task Chat_WrongBody_IsRefusedWithTheCulprit(string body, string culprit)
    {
        var (status, answer) = await Demo.PostAsync("/v1/chat/completions", body);

        Assert.Equal(400, status);
        Assert.Contains(culprit, answer.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("openai", "application/json", "\"type\":\"server_error\"")]
    [InlineData("text", "application/json", "{\"error\":\"This")]
    [InlineData("detail", "application/json", "{\"detail\":\"This")]
    [InlineData("html", "text/html", "<h1>503</h1>")]
    public async Task Chat_StatusWished_AnswersItInThatShape(string shape, string contentType, string part)
    {
        using var content = new StringContent("""{"messages":[],"demo":{"status":503,"error_shape":"SHAPE"}}""".Replace("SHAPE", shape, StringComparison.Ordinal));
        using var response = await Demo.Client.PostAsync("/v1/chat/completions", content, TestContext.Current.CancellationToken);

        Assert.Equal(503, (int)response.StatusCode);
        Assert.Equal(contentType, response.Content.Headers.ContentType?.ToString());
        Assert.Contains(part, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UnknownPath_Asked_IsNotFound()
    {
        var (status, body) = await Demo.PostAsync("/v1/nothing", "{}");

        Assert.Equal(404, status);
        Assert.Equal("invalid_request_error", body.GetProperty("error").GetProperty("type").GetString());
    }

    private async Task<List<string>> StreamAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Demo.Client.PostAsync(path, content, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.ToString());
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => e["data: ".Length..])];
    }

    public sealed class Fixture : IAsyncLifetime
    {
        public Demo Demo { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Demo = await Demo.ListenAsync("--model", "demo-small");

        public ValueTask DisposeAsync() => Demo.DisposeAsync();
    }
}
