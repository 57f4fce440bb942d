namespace MlxGateway.Inference;

/// <summary>The body of a request on its way to a runner. Its length is known before it is read: some engines take no other.</summary>
internal abstract class OutgoingBody : Stream
{
    /// <summary>Whether nothing of it has been read yet, so that nobody can have received the request.</summary>
    public bool IsUntouched { get; private set; } = true;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public sealed override int Read(Span<byte> buffer)
    {
        IsUntouched = false;
        return Fill(buffer);
    }

    /// <inheritdoc/>
    public sealed override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public sealed override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        IsUntouched = false;
        return FillAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    public sealed override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
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

    /// <summary>Copies the next bytes; 0 at the end.</summary>
    protected abstract int Fill(Span<byte> buffer);

    /// <summary>The same, where the bytes have to be waited for.</summary>
    protected virtual ValueTask<int> FillAsync(Memory<byte> buffer, CancellationToken cancellationToken) => new(Fill(buffer.Span));
}
