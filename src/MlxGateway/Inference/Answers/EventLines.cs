namespace MlxGateway.Inference.Answers;

/// <summary>Finds things among the lines of events.</summary>
internal static class EventLines
{
    /// <summary>Where the line <c>data: [DONE]</c> begins; −1: it is not there. What a model writes is in the middle of a line, and no such line.</summary>
    public static int IndexOfDone(ReadOnlySpan<byte> events)
    {
        var at = events.LastIndexOf("[DONE]"u8);
        var line = at < 0 ? -1 : events[..at].LastIndexOf("data:"u8);
        var isLine = line == 0 || (line > 0 && events[line - 1] == (byte)'\n');
        return isLine && events[(line + 5)..at].Trim((byte)' ').IsEmpty ? line : -1;
    }

    /// <summary>Takes the first event off the front, its empty line with it; the last one may lack that.</summary>
    public static ReadOnlySpan<byte> TakeEvent(ref ReadOnlySpan<byte> events)
    {
        var end = SseFramer.EndOfFirstEvent(events, 0) is > 0 and var found ? found : events.Length;
        var first = events[..end];
        events = events[end..];
        return first;
    }

    /// <summary>What stands behind the first <c>data:</c> of an event; empty: it has none.</summary>
    public static ReadOnlySpan<byte> DataOf(ReadOnlySpan<byte> streamEvent)
    {
        while (!streamEvent.IsEmpty)
        {
            var feed = streamEvent.IndexOf((byte)'\n');
            var line = feed < 0 ? streamEvent : streamEvent[..feed];
            if (line.StartsWith("data:"u8))
            {
                return line[5..];
            }

            streamEvent = feed < 0 ? default : streamEvent[(feed + 1)..];
        }

        return default;
    }
}
