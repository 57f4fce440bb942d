namespace MlxGateway.DemoRunner;

/// <summary>An answer by the HTTP server, with everything that is right about it.</summary>
internal sealed class KestrelWire(HttpContext context) : IWire
{
    /// <inheritdoc/>
    public Task StartAsync(int status, string contentType, long? length, CancellationToken cancellationToken)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = length;
        return context.Response.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => await context.Response.BodyWriter.WriteAsync(bytes, cancellationToken);

    /// <inheritdoc/>
    public Task EndAsync(CancellationToken cancellationToken) => context.Response.CompleteAsync();

    /// <inheritdoc/>
    public void Reset() => context.Abort();
}
