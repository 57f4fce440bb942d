namespace MlxGateway.Inference.Bodies;

/// <summary>Reads an upload with one edit applied, from memory and disk in turn.</summary>
internal sealed class UploadStream(Upload upload, BodyEdit? edit) : OutgoingBody
{
    private readonly BodyEdit _edit = edit ?? new BodyEdit(upload.Length, 0, default);
    private long _at;

    /// <inheritdoc/>
    public override long Length => upload.Length - _edit.Length + _edit.Replacement.Length;

    // Where the client's bytes go on.
    private long ReplacementEnd => _edit.Offset + _edit.Replacement.Length;

    /// <inheritdoc/>
    protected override int Fill(Span<byte> buffer)
    {
        var filled = TakeReplacement(buffer);
        filled = filled > 0 || buffer.IsEmpty ? filled : upload.Read(Place(), buffer[..Bound(buffer.Length)]);
        _at += filled;
        return filled;
    }

    /// <inheritdoc/>
    protected override async ValueTask<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var filled = TakeReplacement(buffer.Span);
        filled = filled > 0 || buffer.IsEmpty ? filled : await upload.ReadAsync(Place(), buffer[..Bound(buffer.Length)], cancellationToken);
        _at += filled;
        return filled;
    }

    private int TakeReplacement(Span<byte> buffer)
    {
        if (_at < _edit.Offset || _at >= ReplacementEnd)
        {
            return 0;
        }

        var rest = _edit.Replacement.Span[(int)(_at - _edit.Offset)..];
        var take = Math.Min(rest.Length, buffer.Length);
        rest[..take].CopyTo(buffer);
        return take;
    }

    private long Place() => _at < _edit.Offset ? _at : _at - _edit.Replacement.Length + _edit.Length;

    private int Bound(int size) => _at < _edit.Offset ? (int)Math.Min(size, _edit.Offset - _at) : size;
}
