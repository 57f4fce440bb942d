using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary>Looks at one answer on its way from the runner to the client, and may change it. Never throws: what it does not understand passes as it is.</summary>
internal interface IAnswerFilter
{
    /// <summary>Filters one or more whole events, each with its empty line. Returns what is to be sent in their place: the same memory where nothing is changed, nothing where they are held back. It is valid until the next call.</summary>
    /// <remarks>The last events of a whole answer are its finish reason, its usage and <c>data: [DONE]</c>: what was held back has to be sent before them.</remarks>
    ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events);

    /// <summary>What is still held back at the end of a stream that is whole although it had no <c>data: [DONE]</c>.</summary>
    ReadOnlyMemory<byte> FinishEvents() => default;

    /// <summary>Filters the whole body of an answer that was not streamed; the same memory where nothing is changed.</summary>
    ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) => body;

    /// <summary>Why the answer ended as the client was told it, where that is not the engine's own word; null: the engine's word stands.</summary>
    string? FinishReason => null;
}

/// <summary>Says which answers need a filter. Filters run in the order in which <c>Program.cs</c> adds their rooms.</summary>
internal interface IAnswerFilterSource
{
    /// <summary>A filter for the answer to this request from this runner; null: it needs none, and passes at no cost.</summary>
    IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease);
}
