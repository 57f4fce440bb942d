namespace MlxGateway.Supervision.Models.Facts;

/// <summary>How the numbers of a tensor are written: so many in each block of so many bytes.</summary>
/// <param name="Name">What llama.cpp calls it.</param>
/// <param name="Values">The numbers of a block.</param>
/// <param name="Bytes">The bytes of a block.</param>
internal readonly record struct GgufType(string Name, int Values, int Bytes);

/// <summary>The numbers by which GGUF files name formats. Both lists are llama.cpp's (<c>ggml_type</c> with its block structures, <c>llama_ftype</c>) and only ever grow at their ends.</summary>
internal static class GgufTypes
{
    private static readonly Dictionary<uint, GgufType> Known = new()
    {
        [0] = new("F32", 1, 4), [1] = new("F16", 1, 2), [30] = new("BF16", 1, 2), [28] = new("F64", 1, 8),
        [24] = new("I8", 1, 1), [25] = new("I16", 1, 2), [26] = new("I32", 1, 4), [27] = new("I64", 1, 8),
        [2] = new("Q4_0", 32, 18), [3] = new("Q4_1", 32, 20), [6] = new("Q5_0", 32, 22), [7] = new("Q5_1", 32, 24), [8] = new("Q8_0", 32, 34), [9] = new("Q8_1", 32, 36),
        [10] = new("Q2_K", 256, 84), [11] = new("Q3_K", 256, 110), [12] = new("Q4_K", 256, 144), [13] = new("Q5_K", 256, 176), [14] = new("Q6_K", 256, 210), [15] = new("Q8_K", 256, 292),
        [16] = new("IQ2_XXS", 256, 66), [17] = new("IQ2_XS", 256, 74), [22] = new("IQ2_S", 256, 82), [18] = new("IQ3_XXS", 256, 98), [21] = new("IQ3_S", 256, 110),
        [19] = new("IQ1_S", 256, 50), [29] = new("IQ1_M", 256, 56), [20] = new("IQ4_NL", 32, 18), [23] = new("IQ4_XS", 256, 136),
        [34] = new("TQ1_0", 256, 54), [35] = new("TQ2_0", 256, 66), [39] = new("MXFP4", 32, 17), [40] = new("NVFP4", 64, 36), [41] = new("Q1_0", 128, 18), [42] = new("Q2_0", 64, 18),
    };

    private static readonly Dictionary<long, string> FileTypes = new()
    {
        [0] = "F32", [1] = "F16", [2] = "Q4_0", [3] = "Q4_1", [7] = "Q8_0", [8] = "Q5_0", [9] = "Q5_1", [10] = "Q2_K", [11] = "Q3_K_S", [12] = "Q3_K_M", [13] = "Q3_K_L",
        [14] = "Q4_K_S", [15] = "Q4_K_M", [16] = "Q5_K_S", [17] = "Q5_K_M", [18] = "Q6_K", [19] = "IQ2_XXS", [20] = "IQ2_XS", [21] = "Q2_K_S", [22] = "IQ3_XS", [23] = "IQ3_XXS",
        [24] = "IQ1_S", [25] = "IQ4_NL", [26] = "IQ3_S", [27] = "IQ3_M", [28] = "IQ2_S", [29] = "IQ2_M", [30] = "IQ4_XS", [31] = "IQ1_M", [32] = "BF16",
        [36] = "TQ1_0", [37] = "TQ2_0", [38] = "MXFP4", [39] = "NVFP4", [40] = "Q1_0",
    };

    /// <summary>The format of a tensor; null for one that is newer than this list.</summary>
    public static GgufType? Tensor(uint number) => Known.TryGetValue(number, out var type) ? type : null;

    /// <summary>The name of what most of a file is written as, from <c>general.file_type</c>; null if there is none or it is newer than this list.</summary>
    public static string? File(long? number) => number is { } known && FileTypes.TryGetValue(known, out var name) ? name : null;
}
