using System.Collections.Frozen;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>
/// What of a model each of its ranks holds. Pure. The embedding and the head are with all of them; of the layers each has a part, or some of them, the lower ranks one more where they do not come out
/// even; keys and values go with the heads, but where they are compressed every rank keeps all.
/// </summary>
internal static class LocalShare
{
    // Their keys and values are one latent for all heads.
    private static readonly FrozenSet<string> Compressed = FrozenSet.ToFrozenSet(
        ["deepseek_v2", "deepseek_v3", "deepseek_v32", "deepseek_v41", "glm4_moe_lite", "glm_moe_dsa", "kimi_k2", "kimi_k25", "kimi_k3", "longcat_flash", "longcat_flash_ngram", "mistral4"], StringComparer.Ordinal);

    /// <summary>How many ranks run on this machine; 1 for a model that is not distributed.</summary>
    public static int RanksHere(ModelSpec model) => model.Distributed?.LocalRanks.Count ?? 1;

    /// <summary>The weights that one rank holds.</summary>
    /// <param name="model">The model.</param>
    /// <param name="whole">All weights.</param>
    public static ByteSize Weights(ModelSpec model, ByteSize whole)
    {
        if (model.Distributed is not { } distributed)
        {
            return whole;
        }

        var facts = model.Facts;
        var perValue = facts is { Parameters: > 0 and var values, TensorBytes: { } bytes } ? (double)bytes.Bytes / values : 2;
        var everywhere = Math.Min(whole.Bytes, (long)(2.0 * (facts?.VocabularySize ?? 0) * (facts?.HiddenSize ?? 0) * perValue));
        return new ByteSize(everywhere + (long)((whole.Bytes - everywhere) * LayersOf(distributed, facts)));
    }

    /// <summary>The keys and values that one rank holds, or any part of them.</summary>
    /// <param name="model">The model.</param>
    /// <param name="whole">What a process that had the whole model would hold.</param>
    public static ByteSize Cache(ModelSpec model, ByteSize whole) =>
        model.Distributed is not { } distributed || (!distributed.Pipeline && Compressed.Contains(model.Facts?.Architecture ?? "")) ? whole : new ByteSize((long)Math.Ceiling(whole.Bytes * LayersOf(distributed, model.Facts)));

    private static double LayersOf(DistributedSpec distributed, ModelFacts? facts)
    {
        var layers = distributed.Pipeline ? facts?.Cache?.Layers.Sum(alike => alike.Count) ?? 0 : 0;
        return layers < distributed.Ranks ? 1.0 / distributed.Ranks : (double)((layers + distributed.Ranks - 1) / distributed.Ranks) / layers;
    }
}
