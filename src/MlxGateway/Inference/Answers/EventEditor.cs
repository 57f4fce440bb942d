using System.Buffers;

namespace MlxGateway.Inference.Answers;

/// <summary>Goes through the data lines of events and puts other bytes into some of them. What is not changed is not copied; what is changed lies in one buffer, which each call uses anew.</summary>
/// <param name="edit">Says what to change in the data of one line, or in a body.</param>
internal sealed class EventEditor(EventEditor.DataEditor edit)
{
    private const int Prefix = 5; // "data:"

    private readonly DataEdits _edits = new();
    private readonly ArrayBufferWriter<byte> _changed = new();

    /// <summary>What is to be done to the data of one line.</summary>
    /// <param name="data">The line behind <c>data:</c>, or a whole body.</param>
    /// <param name="edits">Takes the edits; offsets are in <paramref name="data"/>.</param>
    public delegate void DataEditor(ReadOnlySpan<byte> data, DataEdits edits);

    /// <summary>Edits one or more whole events. The result is valid until the next call.</summary>
    public ReadOnlyMemory<byte> EditEvents(ReadOnlyMemory<byte> events)
    {
        _changed.ResetWrittenCount();
        var span = events.Span;
        var copied = 0;
        for (var at = 0; at < span.Length;)
        {
            var rest = span[at..];
            var length = rest.IndexOf((byte)'\n') is >= 0 and var feed ? feed + 1 : rest.Length;
            if (rest.StartsWith("data:"u8))
            {
                var data = rest[Prefix..length];
                _edits.Clear();
                edit(data, _edits);
                if (_edits.Count > 0)
                {
                    _changed.Write(span[copied..(at + Prefix)]);
                    _edits.Apply(data, _changed);
                    copied = at + length;
                }
            }

            at += length;
        }

        if (copied == 0)
        {
            return events;
        }

        _changed.Write(span[copied..]);
        return _changed.WrittenMemory;
    }

    /// <summary>Edits a whole body. The result is valid until the next call.</summary>
    public ReadOnlyMemory<byte> EditBody(ReadOnlyMemory<byte> body)
    {
        _changed.ResetWrittenCount();
        _edits.Clear();
        edit(body.Span, _edits);
        if (_edits.Count == 0)
        {
            return body;
        }

        _edits.Apply(body.Span, _changed);
        return _changed.WrittenMemory;
    }
}
