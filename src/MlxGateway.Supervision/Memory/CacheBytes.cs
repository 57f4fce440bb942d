using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory;

/// <summary>Keys and values in bytes. Pure.</summary>
internal static class CacheBytes
{
    /// <summary>The tokens for which memory is taken, where it is taken in steps.</summary>
    public static long InSteps(long tokens, int step) => (tokens + step - 1) / step * step;

    /// <summary>Values in a format: 2 bytes each, or blocks of 32 in 34 (<c>q8_0</c>; MLX's 8 bits in groups of 64 come to the same) or 18 bytes (<c>q4_0</c>).</summary>
    public static ByteSize Of(long values, CacheFormat format) => new(format switch
    {
        CacheFormat.Q8 => values / 32 * 34,
        CacheFormat.Q4 => values / 32 * 18,
        _ => values * 2,
    });

    /// <summary>What a conversation of so many tokens keeps when nothing is taken ahead.</summary>
    public static ByteSize Conversation(CacheLayout? cache, int tokens, CacheFormat format) =>
        cache is null ? ByteSize.Zero : Of(cache.Values(tokens), format) + cache.State;

    /// <summary>What so many conversations take when each layer has as many cells for each as <paramref name="cells"/> says for its window.</summary>
    public static ByteSize Allocated(CacheLayout? cache, int conversations, CacheFormat format, Func<int?, long> cells) =>
        cache is null ? ByteSize.Zero : Of(conversations * cache.Layers.Sum(layers => layers.Count * layers.ValuesPerToken * cells(layers.Window)), format);
}
