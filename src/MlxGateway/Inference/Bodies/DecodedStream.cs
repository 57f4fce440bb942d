namespace MlxGateway.Inference.Bodies;

/// <summary>A body whose encoding is undone while it is read; bytes that cannot be decoded are the client's mistake and are told as such.</summary>
internal sealed class DecodedStream(Stream decoder, string encodings) : ForwardOnlyStream
{
    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await decoder.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception corrupt) when (corrupt is InvalidDataException or InvalidOperationException or EndOfStreamException or ZstdSharp.ZstdException)
        {
            // Each decoder has an exception of its own for it.
            throw new BadHttpRequestException($"it is not what its Content-Encoding '{encodings}' says.", corrupt);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            decoder.Dispose();
        }

        base.Dispose(disposing);
    }
}
