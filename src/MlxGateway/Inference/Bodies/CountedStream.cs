namespace MlxGateway.Inference.Bodies;

/// <summary>A client's body that ends with an error once it is longer than it may be: encoded bytes that become nothing would otherwise be read for ever. It leaves the client's body open.</summary>
internal sealed class CountedStream(Stream body, long limit) : ForwardOnlyStream
{
    private long _read;

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await body.ReadAsync(buffer, cancellationToken);
        return (_read += read) <= limit ? read : throw new BadHttpRequestException("The encoded body is too large.", StatusCodes.Status413PayloadTooLarge);
    }
}
