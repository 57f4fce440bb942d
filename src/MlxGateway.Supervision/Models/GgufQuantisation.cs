using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>How a GGUF file is written, by its name, and how large it is so, where only that is known: the bits that one parameter takes in each way of writing it, measured over whole files.</summary>
internal static partial class GgufQuantisation
{
    // In the order in which a download prefers them.
    private static readonly (string Name, double Bits)[] Known =
    [
        ("Q4_K_M", 4.89), ("Q4_K_S", 4.67), ("Q4_K_XL", 5.0), ("Q4_K_L", 5.0), ("Q4_0", 4.66), ("Q4_1", 5.1), ("IQ4_NL", 4.68), ("IQ4_XS", 4.46), ("MXFP4", 4.6), ("Q5_K_M", 5.7), ("Q5_K_S", 5.57),
        ("Q5_0", 5.57), ("Q5_1", 6.0), ("Q6_K", 6.57), ("Q8_0", 8.5), ("Q3_K_M", 4.0), ("Q3_K_L", 4.3), ("Q3_K_S", 3.64), ("IQ3_M", 3.76), ("Q2_K", 3.16), ("BF16", 16), ("F16", 16), ("F32", 32),
    ];

    private static readonly FrozenDictionary<string, long> Widths = new Dictionary<string, long>
    {
        ["F64"] = 64, ["I64"] = 64, ["U64"] = 64, ["F32"] = 32, ["I32"] = 32, ["U32"] = 32, ["F16"] = 16, ["BF16"] = 16, ["I16"] = 16, ["U16"] = 16,
        ["I8"] = 8, ["U8"] = 8, ["BOOL"] = 8, ["F8_E4M3"] = 8, ["F8_E5M2"] = 8, ["F8_E8M0"] = 8, ["F4"] = 4,
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <summary>The way in which a file is written, in capital letters: <c>Q4_K_M</c>; null: its name does not say.</summary>
    /// <param name="stem">The name without its ending.</param>
    public static string? Of(string stem) => Form().Matches(stem) is { Count: > 0 } found ? found[^1].Groups[1].Value.ToUpperInvariant() : null;

    /// <summary>The place of a way of writing among those that a download prefers, the best first; the last where none is known.</summary>
    public static int RankOf(string? name) => Array.FindIndex(Known, known => known.Name == name) is >= 0 and var at ? at : Known.Length;

    /// <summary>What a download would choose of these files, and the bits of a parameter in it; null: none of them says how it is written.</summary>
    public static (string Name, double Bits)? BestOf(IEnumerable<string> files)
    {
        var there = files.Select(file => Of(Path.GetFileNameWithoutExtension(file))).ToHashSet();
        return Known.Where(known => there.Contains(known.Name)).Cast<(string, double)?>().FirstOrDefault();
    }

    /// <summary>The bytes of tensors; null: one of the types is not known.</summary>
    public static long? BytesOf(IReadOnlyDictionary<string, long> values)
    {
        Int128 bits = 0;
        foreach (var (type, count) in values)
        {
            if (count < 0 || !Widths.TryGetValue(type, out var width))
            {
                return null;
            }

            bits += (Int128)count * width;
        }

        return bits / 8 is var bytes && bytes > 0 && bytes <= long.MaxValue ? (long)bytes : null;
    }

    [GeneratedRegex(@"(?:^|[-._])(I?Q\d(?:_[A-Z0-9]+)*|BF16|F16|F32|MXFP4)(?=$|[-._])", RegexOptions.IgnoreCase)]
    private static partial Regex Form();
}
