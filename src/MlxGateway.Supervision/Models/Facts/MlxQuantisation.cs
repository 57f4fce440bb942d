using System.Text;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>How the weights of a folder are packed.</summary>
/// <param name="Name">For a person: <c>4-bit</c>, <c>mxfp4</c>, <c>awq</c>, <c>bf16</c>; null if the configuration does not say.</param>
/// <param name="GroupSize">How many weights share a scale; 0: they are not packed.</param>
/// <param name="Bits">The bits of a packed weight.</param>
internal sealed record MlxQuantisation(string? Name, int GroupSize, int Bits)
{
    private const int LongestName = 32;

    /// <summary>Reads it. <c>mlx_lm</c> writes <c>quantization</c>, and a copy of it into <c>quantization_config</c>, which is where other tools write.</summary>
    public static MlxQuantisation Of(ConfigKeys? keys)
    {
        var packed = keys?.Object("quantization") ?? keys?.Object("quantization_config");
        if (packed is null)
        {
            return new MlxQuantisation(keys is null ? null : NameOfType(keys.Text("torch_dtype") ?? keys.Text("dtype")), 0, 0);
        }

        var method = packed.Text("quant_method") ?? (packed.Text("mode") is { } mode && mode != "affine" ? mode : null);
        var bits = packed.Count("bits") ?? (method == "bitnet" ? 2 : 4);
        var name = method is { Length: > 0 and <= LongestName } ? method : packed.Count("bits") is not null ? $"{bits}-bit" : null;
        return new MlxQuantisation(name, packed.Count("group_size") ?? (method is "mxfp4" or "mxfp8" ? 32 : method == "nvfp4" ? 16 : packed.Count("bits") is null ? 0 : 64), Math.Min(bits, 32)) 
        {
            Packed = packed,
            HasLayers = packed.HasObjects,
        };
    }

    private ConfigPart? Packed { get; init; }

    /// <summary>How many weights of one layer share a scale: it may have been packed otherwise than the others.</summary>
    /// <param name="layer">The path of the layer, as the names of its tensors begin.</param>
    public int GroupSizeOf(ReadOnlySpan<byte> layer) => (HasLayers ? Packed!.Object(Encoding.UTF8.GetString(layer))?.Count("group_size") : null) ?? GroupSize;

    private bool HasLayers { get; init; }

    /// <summary>What people call a type of numbers, by its name in Python; null for an unknown one.</summary>
    public static string? NameOfType(string? type) => type switch
    {
        "bfloat16" or "torch.bfloat16" => "bf16",
        "float16" or "torch.float16" => "f16",
        "float32" or "torch.float32" => "f32",
        "float8_e4m3fn" or "torch.float8_e4m3fn" => "fp8",
        _ => null,
    };
}
