namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Adds up the tensors of all files of a model, and keeps none of them: a large model has a hundred thousand.</summary>
/// <param name="packing">How the weights are packed.</param>
internal sealed class TensorTally(MlxQuantisation packing)
{
    private readonly long[] _bytesByType = new long[Enum.GetValues<TensorType>().Length];

    /// <summary>The parameters, those of packed tensors counted as what they stand for.</summary>
    public long Parameters { get; private set; }

    /// <summary>The bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>The bytes of what only sees or hears, which an engine for text drops when it loads.</summary>
    public long TowerBytes { get; private set; }

    /// <summary>The type that most bytes are of, for a person; null if that is not clear.</summary>
    public string? MainType => (TensorType)Array.IndexOf(_bytesByType, _bytesByType.Max()) switch
    {
        TensorType.Bf16 => "bf16",
        TensorType.F16 => "f16",
        TensorType.F32 => "f32",
        TensorType.F8 => "fp8",
        _ => null,
    };

    /// <summary>Adds a tensor.</summary>
    /// <param name="elements">The product of its shape.</param>
    public void Add(ReadOnlySpan<byte> name, TensorType type, long elements, long bytes)
    {
        Parameters = Saturating.Add(Parameters, StandsFor(name, type, elements));
        Bytes = Saturating.Add(Bytes, bytes);
        TowerBytes = Saturating.Add(TowerBytes, Towers.Has(name) ? bytes : 0);
        _bytesByType[(int)type] = Saturating.Add(_bytesByType[(int)type], bytes);
    }

    // A packed layer is counted by its scales, each of which stands for a group of weights: so its bits, which may differ from layer to layer, do not matter.
    private long StandsFor(ReadOnlySpan<byte> name, TensorType type, long elements)
    {
        if (packing.Bits == 0)
        {
            return elements;
        }

        if (packing.GroupSize > 0 && Scales(name) is { } end)
        {
            return Saturating.Multiply(elements, packing.GroupSizeOf(name[..^end]));
        }

        var part = name[(name.LastIndexOf((byte)'.') + 1)..];
        return part.SequenceEqual("weight_packed"u8) ? Saturating.Multiply(elements, (type == TensorType.Word ? 32 : 8) / packing.Bits) // compressed-tensors
            : part.StartsWith("weight_scale"u8) || part.SequenceEqual("biases"u8) || part.EndsWith("scale"u8) || part.SequenceEqual("weight_shape"u8) || part.SequenceEqual("scales"u8) ? 0
            : part.SequenceEqual("weight"u8) && type == TensorType.Byte ? Saturating.Multiply(elements, 8 / Math.Min(packing.Bits, 8)) // BitNet
            : type == TensorType.Word || part.EndsWith("_blocks"u8) ? 0
            : elements;
    }

    private static int? Scales(ReadOnlySpan<byte> name) =>
        name.EndsWith(".scales"u8) ? ".scales".Length : name.EndsWith("_scales"u8) ? "_scales".Length : null;
}
