namespace MlxGateway.Inference;

/// <summary>What a runner said before its body.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="ContentType">The type of the body.</param>
/// <param name="ContentLength">Its length, if announced.</param>
/// <param name="IsDelimited">Whether the end of the body can be told from the end of the connection.</param>
internal readonly record struct RunnerResponseHead(int Status, string? ContentType, long? ContentLength, bool IsDelimited);
