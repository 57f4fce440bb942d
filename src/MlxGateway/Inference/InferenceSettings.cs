namespace MlxGateway.Inference;

/// <summary>What the hub is configured with.</summary>
/// <param name="Limits">What a request may ask of the gateway.</param>
/// <param name="Streams">How streaming clients are kept waiting.</param>
/// <param name="BackgroundModel">The id or alias of the model that stands in for others in background work; null: none does.</param>
public sealed record InferenceSettings(LimitOptions Limits, StreamOptions Streams, string? BackgroundModel = null)
{
    /// <summary>The folder for uploads that are too large for memory.</summary>
    public string Uploads { get; init; } = Path.GetTempPath();
}
