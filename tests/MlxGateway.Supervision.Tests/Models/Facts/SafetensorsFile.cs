using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>Makes safetensors files whose tensors are zero.</summary>
internal static class SafetensorsFile
{
    private static readonly Dictionary<string, int> Sizes = new() { ["BF16"] = 2, ["F16"] = 2, ["F32"] = 4, ["U32"] = 4, ["U8"] = 1, ["F8_E4M3"] = 1, ["I32"] = 4 };

    /// <summary>A whole file.</summary>
    public static byte[] Of(params (string Name, string Type, int[] Shape)[] tensors)
    {
        var (header, at) = (new StringBuilder("""{"__metadata__":{"format":"mlx"}"""), 0L);
        foreach (var (name, type, shape) in tensors)
        {
            var bytes = shape.Aggregate(1L, (product, one) => product * one) * Sizes[type];
            header.Append(CultureInfo.InvariantCulture, $$""","{{name}}":{"dtype":"{{type}}","shape":[{{string.Join(',', shape)}}],"data_offsets":[{{at}},{{at + bytes}}]}""");
            at += bytes;
        }

        return [.. WithHeader(header.Append('}').ToString()), .. new byte[at]];
    }

    /// <summary>The start of a file: the length of a header and the header.</summary>
    public static byte[] WithHeader(string header)
    {
        var bytes = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, bytes.Length);
        return [.. length, .. bytes];
    }
}
