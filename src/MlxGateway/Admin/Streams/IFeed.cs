using System.Buffers;

namespace MlxGateway.Admin.Streams;

/// <summary>What one reader of a stream is told. Bounded: what a slow reader has not taken is left out or joined, and never piles up.</summary>
internal interface IFeed : IDisposable
{
    /// <summary>The content type of the stream.</summary>
    string ContentType { get; }

    /// <summary>What is written at once and then now and again, so that nobody takes a quiet stream for a dead one. Empty where the format has nothing that readers pass over.</summary>
    ReadOnlyMemory<byte> Pulse { get; }

    /// <summary>Completes when there may be something to take.</summary>
    Task WaitAsync(CancellationToken cancellationToken);

    /// <summary>Writes the next piece, if there is one.</summary>
    bool TryWrite(IBufferWriter<byte> output);
}
