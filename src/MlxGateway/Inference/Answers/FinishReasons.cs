using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>Puts in a finish reason where a stream says that it is done and none of its events said why: without one, some agents send the request again for ever and others take half an answer for a whole one.</summary>
internal sealed class FinishReasons(StreamShape shape, string model) : IAnswerFilter
{
    private bool _isSaid;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        if (_isSaid)
        {
            return events;
        }

        _isSaid = Says(events.Span);
        if (_isSaid || DoneIn(events.Span) is not (>= 0 and var done))
        {
            return events;
        }

        _isSaid = true;
        return (byte[])[.. events.Span[..done], .. Last(), .. events.Span[done..]];
    }

    private static int DoneIn(ReadOnlySpan<byte> events)
    {
        var at = events.LastIndexOf("[DONE]"u8);
        var line = at < 0 ? -1 : events[..at].LastIndexOf("data:"u8);
        var isLine = line == 0 || (line > 0 && events[line - 1] == (byte)'\n'); // what a model writes is in the middle of one
        return isLine && events[(line + 5)..at].Trim((byte)' ').IsEmpty ? line : -1;
    }

    // A reason is a text; until the end it is null.
    private static bool Says(ReadOnlySpan<byte> events)
    {
        var name = "\"finish_reason\""u8;
        for (var at = events.IndexOf(name); at >= 0;)
        {
            events = events[(at + name.Length)..];
            var value = events.TrimStart(" \t:"u8);
            if (value is [(byte)'"', ..])
            {
                return true;
            }

            at = events.IndexOf(name);
        }

        return false;
    }

    private byte[] Last() => Encoding.UTF8.GetBytes(shape == StreamShape.Chat
        ? $$"""data: {"object":"chat.completion.chunk","model":{{JsonSerializer.Serialize(model)}},"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""" + "\n\n"
        : $$"""data: {"object":"text_completion","model":{{JsonSerializer.Serialize(model)}},"choices":[{"index":0,"text":"","finish_reason":"stop"}]}""" + "\n\n");
}

/// <summary>Streams of chat and text completions.</summary>
internal sealed class FinishSaying : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange.Request.Stream && exchange.Route.EndsWithDone ? new FinishReasons(exchange.Route.Shape, exchange.Request.Model ?? lease.Model.Id) : null;
}
