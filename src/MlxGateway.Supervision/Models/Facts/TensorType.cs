namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The type of the numbers of a tensor, as far as it matters.</summary>
internal enum TensorType
{
    /// <summary>Any other: wider integers, complex numbers.</summary>
    Other,

    /// <summary>A bfloat16.</summary>
    Bf16,

    /// <summary>A half.</summary>
    F16,

    /// <summary>A single.</summary>
    F32,

    /// <summary>One of the floats of 8 bits.</summary>
    F8,

    /// <summary>Whole numbers of 8 bits, which may be packed weights.</summary>
    Byte,

    /// <summary>Whole numbers of 32 bits, which may be packed weights.</summary>
    Word,
}
