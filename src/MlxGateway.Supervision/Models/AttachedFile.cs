using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>What a file that is launched with a model is to it.</summary>
public enum Attachment
{
    /// <summary>It gives the model images or sound.</summary>
    Projector,

    /// <summary>It changes the model: a LoRA adapter, or a vector that is added to what goes through its layers.</summary>
    Adapter,

    /// <summary>A smaller model that guesses what this one will say.</summary>
    Draft,
}

/// <summary>A file that the user's arguments name beside the model's own. Immutable; compared by value.</summary>
/// <param name="As">What it is to the model.</param>
/// <param name="Path">Its absolute path.</param>
/// <param name="Bytes">The bytes of it and the rest of its series; null where it is not there.</param>
public sealed record AttachedFile(Attachment As, string Path, ByteSize? Bytes)
{
    /// <summary>What the files of a draft or a projector say of it; null of the others.</summary>
    public ModelFacts? Facts { get; init; }

    /// <summary>Why it cannot be used, without the end of the sentence; null: nothing is known against it.</summary>
    public string? Fault { get; init; }
}
