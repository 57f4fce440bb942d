using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Waiting;

/// <summary>What a streaming client is sent while it waits: words that every client overlooks, events that say nothing in the dialect of its route, or what a person sees.</summary>
/// <param name="shape">The dialect.</param>
/// <param name="id">The request's id.</param>
/// <param name="model">The model, as it is known here.</param>
internal sealed class WaitingEvents(StreamShape shape, string id, string model)
{
    private readonly string _id = JsonSerializer.Serialize(id);
    private readonly string _model = JsonSerializer.Serialize(model);
    private int _sequence;

    /// <summary>A comment: no client sees an event in it, and some count only events as life.</summary>
    public static byte[] Comment(string text) => Encoding.UTF8.GetBytes($": {text.ReplaceLineEndings(" ")}\n\n");

    /// <summary>An event that changes nothing.</summary>
    public byte[] Empty(DateTimeOffset now) => Encoding.UTF8.GetBytes(shape switch
    {
        StreamShape.Chat => Chunk(now, """[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]"""),
        StreamShape.Responses => "event: response.in_progress\ndata: " + $$$"""{"type":"response.in_progress","sequence_number":{{{_sequence++}}},"response":{"id":{{{_id}}},"object":"response","created_at":{{{Seconds(now)}}},"status":"in_progress","model":{{{_model}}},"output":[]}}""" + "\n\n",
        StreamShape.Messages => "event: ping\ndata: {\"type\":\"ping\"}\n\n",
        _ => $$"""data: {"id":{{_id}},"object":"text_completion","created":{{Seconds(now)}},"model":{{_model}},"choices":[{"index":0,"text":"","finish_reason":null}]}""" + "\n\n",
    });

    /// <summary>The words as a person sees them, in the way that was chosen; null: no such way in this dialect.</summary>
    public byte[]? Shown(WaitingStyle style, string text, bool isOver, DateTimeOffset now)
    {
        var words = char.ToUpperInvariant(text[0]) + text[1..];
        return (shape, style) switch
        {
            // A line by itself under the question, which the page keeps out of what it sends later.
            (StreamShape.Chat, WaitingStyle.Status) => Encoding.UTF8.GetBytes(
                $$"""data: {"id":{{_id}},"object":"chat.completion.chunk","created":{{Seconds(now)}},"model":{{_model}},"choices":[],"event":{{Status(words, isOver)}}}""" + "\n\n"),
            (StreamShape.Chat, WaitingStyle.Reasoning) => Encoding.UTF8.GetBytes(
                Chunk(now, $$"""[{"index":0,"delta":{"role":"assistant","reasoning_content":{{JsonSerializer.Serialize(words + "\n")}}},"finish_reason":null}]""")),
            _ => null,
        };
    }

    private static string Seconds(DateTimeOffset now) => now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    private static string Status(string words, bool isOver) =>
        $$"""{"type":"status","data":{"description":{{JsonSerializer.Serialize(words)}},"done":""" + (isOver ? "true}}" : "false}}");

    private string Chunk(DateTimeOffset now, string choices) =>
        $$"""data: {"id":{{_id}},"object":"chat.completion.chunk","created":{{Seconds(now)}},"model":{{_model}},"choices":{{choices}}}""" + "\n\n";
}
