namespace MlxGateway.Inference;

/// <summary>Bytes of a body that are replaced by others when it is sent on. An insertion replaces nothing.</summary>
/// <param name="Offset">Where it begins in the body as the client sent it.</param>
/// <param name="Length">How many of the client's bytes it takes away.</param>
/// <param name="Replacement">What is sent in their place.</param>
internal readonly record struct BodyEdit(long Offset, long Length, ReadOnlyMemory<byte> Replacement)
{
    /// <summary>The order in which edits are applied: an insertion comes before what is taken away at the same place.</summary>
    public static Comparison<BodyEdit> InOrder { get; } = static (one, other) => (one.Offset, one.Length).CompareTo((other.Offset, other.Length));

    /// <summary>Whether it says the model's name, of which there is one.</summary>
    public bool IsModel { get; init; }
}
