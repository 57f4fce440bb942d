namespace MlxGateway.Inference.Uploads;

/// <summary>Reads a <see cref="SpilledBody"/> with its edits applied.</summary>
internal sealed class UploadStream : OutgoingBody
{
    private readonly SpilledBody _body;
    private readonly List<Part> _parts = new(3);
    private int _part;
    private long _read;

    /// <param name="body">What the client sent.</param>
    /// <param name="edits">In order of their offsets, none overlapping.</param>
    public UploadStream(SpilledBody body, IReadOnlyList<BodyEdit> edits)
    {
        _body = body;
        long at = 0;
        foreach (var edit in edits)
        {
            Add(new Part(at, edit.Offset - at, null));
            Add(new Part(0, edit.Replacement.Length, edit.Replacement));
            at = edit.Offset + edit.Length;
        }

        Add(new Part(at, body.Length - at, null));
        Length = _parts.Sum(static p => p.Length);
    }

    /// <inheritdoc/>
    public override long Length { get; }

    /// <inheritdoc/>
    protected override int Fill(Span<byte> buffer)
    {
        if (Next() is not { } part)
        {
            return 0;
        }

        var wanted = buffer[..(int)Math.Min(buffer.Length, part.Length - _read)];
        if (part.Bytes is { } bytes)
        {
            bytes.Span.Slice((int)_read, wanted.Length).CopyTo(wanted);
            return Note(wanted.Length);
        }

        return Note(_body.Read(part.Offset + _read, wanted));
    }

    /// <inheritdoc/>
    protected override async ValueTask<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (Next() is not { } part)
        {
            return 0;
        }

        var wanted = buffer[..(int)Math.Min(buffer.Length, part.Length - _read)];
        if (part.Bytes is { } bytes)
        {
            bytes.Slice((int)_read, wanted.Length).CopyTo(wanted);
            return Note(wanted.Length);
        }

        return Note(await _body.ReadAsync(part.Offset + _read, wanted, cancellationToken));
    }

    private Part? Next()
    {
        if (_part < _parts.Count && _read == _parts[_part].Length)
        {
            (_part, _read) = (_part + 1, 0);
        }

        return _part < _parts.Count ? _parts[_part] : null;
    }

    private int Note(int read)
    {
        _read += read;
        return read;
    }

    private void Add(Part part)
    {
        if (part.Length > 0)
        {
            _parts.Add(part);
        }
    }

    private readonly record struct Part(long Offset, long Length, ReadOnlyMemory<byte>? Bytes);
}
