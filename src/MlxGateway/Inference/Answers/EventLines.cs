namespace MlxGateway.Inference.Answers;

/// <summary>Finds things among the lines of events.</summary>
internal static class EventLines
{
    /// <summary>Where the first line <c>data: [DONE]</c> begins; −1: it is not there. What a model writes is in the middle of a line, and no such line.</summary>
    public static int IndexOfDone(ReadOnlySpan<byte> events)
    {
        var done = "[DONE]"u8;
        for (var from = 0; events[from..].IndexOf(done) is >= 0 and var found; from += found + done.Length)
        {
            var at = from + found;
            var line = events[..at].LastIndexOf((byte)'\n') + 1;
            var behind = events[(at + done.Length)..];
            var rest = behind.IndexOf((byte)'\n') is >= 0 and var feed ? behind[..feed] : behind;
            if (events[line..at].StartsWith("data:"u8) && events[(line + 5)..at].Trim((byte)' ').IsEmpty && rest.Trim(" \r"u8).IsEmpty)
            {
                return line;
            }
        }

        return -1;
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
