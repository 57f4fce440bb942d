using System.Buffers;
using System.Globalization;
using System.Text;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>
/// Gives a client that asked for token counts the event that it waits for, the last before <c>data: [DONE]</c>, where the engine tells them in another place only; and its right name where the engine
/// calls it that of a whole answer. Counts that the engine does not tell are not made up.
/// </summary>
internal sealed class AskedUsage(StreamShape shape, string model) : IAnswerFilter
{
    private EventEditor? _editor;
    private ChunkHead _head;
    private StreamFacts _facts;
    private bool _isSaid;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        if (_isSaid)
        {
            return events;
        }

        var done = EventLines.IndexOfDone(events.Span);
        var before = Edited(done < 0 ? events : events[..done]);
        if (done < 0)
        {
            return before;
        }

        var counts = FinishEvents();
        _isSaid = true;
        if (counts.IsEmpty && before.Equals(events[..done]))
        {
            return events;
        }

        var whole = new ArrayBufferWriter<byte>(events.Length + 256);
        whole.Write(before.Span);
        whole.Write(counts.Span);
        whole.Write(events.Span[done..]);
        return whole.WrittenMemory;
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FinishEvents()
    {
        if (_isSaid || _facts is not { PromptTokens: { } prompt, CompletionTokens: { } completion })
        {
            return default;
        }

        _isSaid = true;
        var all = new ArrayBufferWriter<byte>(256);
        _head.BeginEvent(all, shape, model);
        var cached = _facts.Counts.CachedTokens is { } tokens ? string.Create(CultureInfo.InvariantCulture, $$""","prompt_tokens_details":{"cached_tokens":{{tokens}}}""") : "";
        all.Write(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$""","choices":[],"usage":{"prompt_tokens":{{prompt}},"completion_tokens":{{completion}},"total_tokens":{{(long)prompt + completion}}{{cached}}}""")));
        all.Write("}\n\n"u8);
        return all.WrittenMemory;
    }

    private ReadOnlyMemory<byte> Edited(ReadOnlyMemory<byte> events)
    {
        _head.Note(events.Span);
        return MayMatter(events.Span) ? (_editor ??= new EventEditor(Edit)).EditEvents(events) : events;
    }

    private static bool MayMatter(ReadOnlySpan<byte> bytes) => bytes.IndexOf("\"usage\""u8) >= 0 || bytes.IndexOf("\"timings\""u8) >= 0;

    private void Edit(ReadOnlySpan<byte> data, DataEdits edits)
    {
        // What becomes of an event must not depend on what came in one piece with it.
        if (_isSaid || !MayMatter(data))
        {
            return;
        }

        _ = _facts.NoteJson(data);
        var seen = UsageEvent.Read(data);
        _isSaid |= seen.IsOfCountsAlone;
        if (seen is { IsOfCountsAlone: true, Kind.Length: > 0 } && shape == StreamShape.Chat)
        {
            edits.Put(seen.Kind.Start, seen.Kind.Length, "\"chat.completion.chunk\""u8);
        }
    }
}

/// <summary>Streams of chat and text completions whose client asked for the counts.</summary>
internal sealed class UsageSaying : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) =>
        exchange is { Route.EndsWithDone: true, Request: JsonRequest { Stream: true, Fields.AsksForUsage: true } } ? new AskedUsage(exchange.Route.Shape, exchange.Request.Model ?? lease.Model.Id) : null;
}
