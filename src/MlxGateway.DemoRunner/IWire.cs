namespace MlxGateway.DemoRunner;

/// <summary>The way of one answer to the client.</summary>
internal interface IWire
{
    /// <summary>Sends the head of the answer. A length that is null means: until it ends.</summary>
    Task StartAsync(int status, string contentType, long? length, CancellationToken cancellationToken);

    /// <summary>Sends bytes of the body. They have left the process when the task completes, as far as the wire can tell.</summary>
    Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>Ends the answer as if it were whole.</summary>
    Task EndAsync(CancellationToken cancellationToken);

    /// <summary>Resets the connection.</summary>
    void Reset();
}
