using System.Buffers;

namespace MlxGateway.Inference.Answers;

/// <summary>Goes through the data lines of events and puts other bytes into some of them. What is not changed is not copied.</summary>
internal static class EventEditor
{
    private const int Prefix = 5; // "data:"

    /// <summary>What is to be done to the data of one line: bytes that are put in place of others, in order.</summary>
    /// <param name="data">The line behind <c>data:</c>.</param>
    /// <param name="edits">Takes the edits; offsets are in <paramref name="data"/>.</param>
    public delegate void DataEditor(ReadOnlySpan<byte> data, List<DataEdit> edits);

    /// <summary>Edits whole events.</summary>
    /// <param name="events">One or more whole events.</param>
    /// <param name="edits">A list to work with.</param>
    /// <param name="edit">Says what to change.</param>
    public static ReadOnlyMemory<byte> Edit(ReadOnlyMemory<byte> events, List<DataEdit> edits, DataEditor edit)
    {
        ArrayBufferWriter<byte>? changed = null;
        var copied = 0;
        for (var at = 0; at < events.Length;)
        {
            var rest = events.Span[at..];
            var length = rest.IndexOf((byte)'\n') is >= 0 and var feed ? feed + 1 : rest.Length;
            if (rest.StartsWith("data:"u8))
            {
                edits.Clear();
                edit(rest[Prefix..length], edits);
                foreach (var (offset, taken, put) in edits)
                {
                    changed ??= new ArrayBufferWriter<byte>(events.Length + 256);
                    changed.Write(events.Span[copied..(at + Prefix + offset)]);
                    changed.Write(put);
                    copied = at + Prefix + offset + taken;
                }
            }

            at += length;
        }

        changed?.Write(events.Span[copied..]);
        return changed?.WrittenMemory ?? events;
    }

    /// <summary>Edits a whole body.</summary>
    public static ReadOnlyMemory<byte> EditBody(ReadOnlyMemory<byte> body, List<DataEdit> edits, DataEditor edit)
    {
        edits.Clear();
        edit(body.Span, edits);
        if (edits.Count == 0)
        {
            return body;
        }

        var changed = new ArrayBufferWriter<byte>(body.Length + 256);
        var copied = 0;
        foreach (var (offset, taken, put) in edits)
        {
            changed.Write(body.Span[copied..offset]);
            changed.Write(put);
            copied = offset + taken;
        }

        changed.Write(body.Span[copied..]);
        return changed.WrittenMemory;
    }
}

/// <summary>Bytes that come in the place of others.</summary>
/// <param name="Offset">Where these begin.</param>
/// <param name="Taken">How many they are.</param>
/// <param name="Put">What comes in their place.</param>
internal readonly record struct DataEdit(int Offset, int Taken, byte[] Put);
