namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What was found in the files of a model.</summary>
/// <param name="Facts">What the files say; null if they cannot be read.</param>
/// <param name="Fault">Why no engine can load these files, as a phrase without capital or full stop; null: they are whole.</param>
internal sealed record FileFacts(ModelFacts? Facts, string? Fault);
