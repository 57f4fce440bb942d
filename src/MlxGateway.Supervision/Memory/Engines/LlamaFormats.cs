using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>How <c>llama-server</c> writes keys and values: the bytes of a block of 32 each.</summary>
internal readonly record struct LlamaFormats(int Keys, int Values)
{
    private const int Block = 32;
    private const int Half = 2 * Block;

    /// <summary>What the gateway asks for.</summary>
    public static LlamaFormats Of(CacheFormat format) => format switch
    {
        CacheFormat.Q8 => Said("q8_0", "q8_0"),
        CacheFormat.Q4 => Said("q4_0", "q4_0"),
        _ => new LlamaFormats(Half, Half),
    };

    /// <summary>What the user asks for by the names of the types; null, and what is not known, is 16 bits.</summary>
    public static LlamaFormats Said(string? keys, string? values) => new(BytesOf(keys), BytesOf(values));

    /// <summary>What so many caches take when each layer has as many cells in each as <paramref name="cells"/> says for its window.</summary>
    public ByteSize Of(CacheLayout cache, int caches, Func<int?, long> cells)
    {
        var (keys, values) = (0L, 0L);
        foreach (var layers in cache.Layers)
        {
            var count = layers.Count * cells(layers.Window);
            keys += count * layers.KeysPerToken;
            values += count * (layers.ValuesPerToken - layers.KeysPerToken);
        }

        return new ByteSize(caches * ((keys * Keys / Block) + (values * Values / Block)));
    }

    private static int BytesOf(string? type) => type switch
    {
        "f32" => 4 * Block,
        "q8_0" => 34,
        "q5_1" => 24,
        "q5_0" => 22,
        "q4_1" => 20,
        "q4_0" or "iq4_nl" => 18,
        _ => Half,
    };
}
