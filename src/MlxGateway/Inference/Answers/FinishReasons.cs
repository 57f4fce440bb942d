using System.Buffers;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>Puts in a finish reason where a stream says that it is done and none of its events said why: without one, some agents send the request again for ever and others take half an answer for a whole one.</summary>
internal sealed class FinishReasons(StreamShape shape, string model) : IAnswerFilter
{
    private ChunkHead _head;
    private bool _isSaid;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        if (_isSaid)
        {
            return events;
        }

        var done = EventLines.IndexOfDone(events.Span);
        var before = done < 0 ? events.Span : events.Span[..done];
        _head.Note(before);
        _isSaid = Says(before);
        if (_isSaid || done < 0)
        {
            return events;
        }

        _isSaid = true;
        var whole = new ArrayBufferWriter<byte>(events.Length + 256);
        whole.Write(before);
        _head.BeginEvent(whole, shape, model);
        whole.Write(shape == StreamShape.Chat ? ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"u8 : ",\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n"u8);
        whole.Write(events.Span[done..]);
        return whole.WrittenMemory;
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
}

/// <summary>Streams of chat and text completions.</summary>
internal sealed class FinishSaying : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange.Request.Stream && exchange.Route.EndsWithDone ? new FinishReasons(exchange.Route.Shape, exchange.Request.Model ?? lease.Model.Id) : null;
}
