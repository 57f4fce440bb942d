using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>How a request for a whole answer becomes one for a stream.</summary>
internal static class StreamRules
{
    /// <summary>What goes out of the body. Log probabilities do not come in streams everywhere, so a body that wants them does not fit.</summary>
    public static RequestRules Instead { get; } = new(
    [
        new("stream", FieldShape.Any) { IsDropped = true },
        new("stream_options", FieldShape.Any) { IsDropped = true },
        new("logprobs", FieldShape.Never),
        new("top_logprobs", FieldShape.Never),
    ]);

    /// <summary>What comes into it, in front of the first member.</summary>
    public static ReadOnlyMemory<byte> Members { get; } = "\"stream\":true,\"stream_options\":{\"include_usage\":true},"u8.ToArray();
}
