using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;
using Xunit;

namespace MlxGateway.Tests.Inference.Answers;

/// <summary>What filters make of an engine's events: the whole stream in one piece, and event by event.</summary>
public sealed class AnswerFilterTests
{
    [Fact]
    public void ToolCallIds_EngineGivesNone_EachCallHasOneInItsFirstPiece()
    {
        const string Sent =
            """data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"a","arguments":""}}]}}]}""" + "\n\n" +
            """data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}""" + "\n\n" +
            """data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"","type":"function","function":{"name":"b","arguments":"{}"}}]}}]}""" + "\n\n";
        foreach (var received in BothWays(static () => new ToolCallIds(), Sent))
        {
            var calls = Events(received).Select(static e => e.GetProperty("choices")[0].GetProperty("delta").GetProperty("tool_calls")[0]).ToList();

            Assert.StartsWith("call_", calls[0].GetProperty("id").GetString(), StringComparison.Ordinal);
            Assert.Equal("function", calls[0].GetProperty("type").GetString());
            Assert.False(calls[1].TryGetProperty("id", out _));
            Assert.StartsWith("call_", calls[2].GetProperty("id").GetString(), StringComparison.Ordinal);
            Assert.NotEqual(calls[0].GetProperty("id").GetString(), calls[2].GetProperty("id").GetString());
        }
    }

    [Fact]
    public void ToolCallIds_EngineGivesThem_NothingIsChanged()
    {
        var sent = """data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"a","arguments":"{\"id\":null}"}}]}}]}""" + "\n\n";

        Assert.All(BothWays(static () => new ToolCallIds(), sent), received => Assert.Equal(sent, received));
    }

    [Fact]
    public void ToolCallIds_WholeBody_HasThemWithoutAnIndex()
    {
        var body = new ToolCallIds().FilterBody("""{"choices":[{"index":0,"message":{"tool_calls":[{"function":{"name":"a","arguments":"{}"}}]}}]}"""u8.ToArray());
        var call = JsonDocument.Parse(body).RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls")[0];

        Assert.StartsWith("call_", call.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.False(call.TryGetProperty("index", out _));
    }

    [Theory]
    [InlineData("""data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}""" + "\n\ndata: [DONE]\n\n", true)]
    [InlineData("""data: {"choices":[{"index":0,"delta":{},"finish_reason": "length"}]}""" + "\n\ndata: [DONE]\n\n", false)]
    [InlineData("""data: {"choices":[{"index":0,"delta":{"content":"\"finish_reason\":\"stop\" data: [DONE]"},"finish_reason":null}]}""" + "\n\ndata: [DONE]\n\n", true)]
    public void FinishReasons_StreamIsDoneWithoutOne_GetsIt(string sent, bool isAdded)
    {
        foreach (var received in BothWays(static () => new FinishReasons(StreamShape.Chat, "m"), sent))
        {
            Assert.EndsWith("data: [DONE]\n\n", received, StringComparison.Ordinal);
            Assert.Equal(isAdded, received != sent);
            Assert.Equal(isAdded ? "stop" : "length", Events(received)[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        }
    }

    [Fact]
    public void ResponseIndexes_TwoItemsOfTwoParts_AreCounted()
    {
        string[] types =
        [
            """{"type":"response.created","response":{}}""",
            """{"type":"response.output_item.added","item":{"id":"r","type":"reasoning"}}""",
            """{"type":"response.output_item.added","item":{"id":"m","type":"message"}}""",
            """{"type":"response.content_part.added","item_id":"m"}""",
            """{"type":"response.output_text.delta","item_id":"m","delta":"\"item_id\""}""",
            """{"type":"response.content_part.added","item_id":"m"}""",
            """{"type":"response.output_text.delta","item_id":"m","delta":"b"}""",
            """{"type":"response.output_item.done","item":{"id":"r"}}""",
            """{"type":"response.completed","response":{}}""",
        ];
        var sent = string.Concat(types.Select(static t => $"event: x\ndata: {t}\n\n"));
        foreach (var received in BothWays(static () => new ResponseIndexes(), sent))
        {
            var events = Events(received);

            Assert.Equal(Enumerable.Range(0, 9), events.Select(static e => e.GetProperty("sequence_number").GetInt32()));
            Assert.Equal([-1, 0, 1, 1, 1, 1, 1, 0, -1], events.Select(static e => e.TryGetProperty("output_index", out var i) ? i.GetInt32() : -1));
            Assert.Equal([-1, -1, -1, 0, 0, 1, 1, -1, -1], events.Select(static e => e.TryGetProperty("content_index", out var i) ? i.GetInt32() : -1));
        }
    }

    [Fact]
    public void Embeddings_AskedForAsText_AreLittleEndianFloats()
    {
        var body = new EmbeddingEncoding(wantsBase64: true).FilterBody("""{"object":"list","data":[{"embedding":[1,-0.5,3.25e2],"index":0},{"index":1,"embedding":[]}],"usage":{"embedding":[1]}}"""u8.ToArray());
        var json = JsonDocument.Parse(body).RootElement;
        var raw = json.GetProperty("data")[0].GetProperty("embedding").GetBytesFromBase64();

        Assert.Equal([1f, -0.5f, 325f], Enumerable.Range(0, 3).Select(i => BinaryPrimitives.ReadSingleLittleEndian(raw.AsSpan(4 * i))));
        Assert.Equal("", json.GetProperty("data")[1].GetProperty("embedding").GetString());
        Assert.Equal(1, json.GetProperty("usage").GetProperty("embedding")[0].GetInt32());
    }

    [Fact]
    public void Embeddings_ThereAndBack_AreTheSame()
    {
        var numbers = Enumerable.Range(0, 500).Select(static i => (float)Math.Sin(i) / 7).ToArray();
        var sent = JsonSerializer.SerializeToUtf8Bytes(new { data = new[] { new { embedding = numbers } } });
        var text = new EmbeddingEncoding(wantsBase64: true).FilterBody(sent);
        var back = new EmbeddingEncoding(wantsBase64: false).FilterBody(text.ToArray());

        Assert.Equal(numbers, JsonDocument.Parse(back).RootElement.GetProperty("data")[0].GetProperty("embedding").EnumerateArray().Select(static n => n.GetSingle()));
    }

    [Theory]
    [InlineData("data: half {\"tool_calls\"\n\n")]
    [InlineData("data: {\"tool_calls\":[[[{\"id\":7}]]],\"choices\":{\"a\":1}}\n\n")]
    [InlineData(": a comment with \"tool_calls\" in it\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"tool_calls\":\"none\"}}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"\\ud800\"\n\n")]
    public void Filters_WhatTheyDoNotUnderstand_PassesAsItIs(string sent)
    {
        Assert.All(BothWays(static () => new ToolCallIds(), sent), received => Assert.Equal(sent, received));
        Assert.All(BothWays(static () => new ResponseIndexes(), sent), received => Assert.Equal(sent, received));
        Assert.All(BothWays(static () => new FinishReasons(StreamShape.Chat, "m"), sent), received => Assert.Equal(sent, received));
    }

    private static IEnumerable<string> BothWays(Func<IAnswerFilter> filter, string sent)
    {
        yield return Encoding.UTF8.GetString(filter().FilterEvents(Encoding.UTF8.GetBytes(sent)).Span);
        var one = filter();
        yield return string.Concat(sent.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => Encoding.UTF8.GetString(one.FilterEvents(Encoding.UTF8.GetBytes(e + "\n\n")).Span)));
    }

    private static List<JsonElement> Events(string text) =>
        [.. text.Split('\n').Where(static l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(static l => JsonDocument.Parse(l["data: ".Length..]).RootElement)];
}
