using System.Buffers;

namespace MlxGateway.Inference;

/// <summary>Reads a body with its edits applied, without a copy of the whole: the client's bytes and the replacements, in turn.</summary>
internal sealed class SplicedStream : OutgoingBody
{
    private readonly List<ReadOnlySequence<byte>> _parts = new(3);
    private int _part;
    private SequencePosition _position;

    /// <param name="body">What the client sent.</param>
    /// <param name="edits">In order of their offsets, none overlapping.</param>
    public SplicedStream(ReadOnlySequence<byte> body, IReadOnlyList<BodyEdit> edits)
    {
        long at = 0;
        foreach (var edit in edits)
        {
            Add(body.Slice(at, edit.Offset - at));
            Add(new ReadOnlySequence<byte>(edit.Replacement));
            at = edit.Offset + edit.Length;
        }

        Add(body.Slice(at));
        _position = _parts.Count > 0 ? _parts[0].Start : default;
    }

    /// <summary>How many bytes there are in all.</summary>
    public override long Length => _parts.Sum(p => p.Length);

    /// <inheritdoc/>
    protected override int Fill(Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length && _part < _parts.Count)
        {
            var rest = _parts[_part].Slice(_position);
            var take = (int)Math.Min(rest.Length, buffer.Length - filled);
            rest.Slice(0, take).CopyTo(buffer[filled..]);
            filled += take;
            if (take < rest.Length)
            {
                _position = rest.GetPosition(take);
            }
            else if (++_part < _parts.Count)
            {
                _position = _parts[_part].Start;
            }
        }

        return filled;
    }

    private void Add(ReadOnlySequence<byte> part)
    {
        if (!part.IsEmpty)
        {
            _parts.Add(part);
        }
    }
}
