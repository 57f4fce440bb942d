using System.Buffers;

namespace MlxGateway.Inference;

/// <summary>Reads a body with its edits applied, without a copy of the whole: the client's bytes and the replacements, in turn.</summary>
internal sealed class SplicedStream : Stream
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

    /// <summary>Whether nothing of it has been read yet, so that nobody can have received the request.</summary>
    public bool IsUntouched { get; private set; } = true;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <summary>How many bytes there are in all.</summary>
    public override long Length => _parts.Sum(p => p.Length);

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        IsUntouched = false;
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

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Add(ReadOnlySequence<byte> part)
    {
        if (!part.IsEmpty)
        {
            _parts.Add(part);
        }
    }
}
