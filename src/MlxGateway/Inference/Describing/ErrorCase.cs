namespace MlxGateway.Inference.Describing;

/// <summary>An error that a route can answer, as the description of the API tells it.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The stable name of the case.</param>
/// <param name="When">When it is answered.</param>
internal sealed record ErrorCase(int Status, string Code, string When);
