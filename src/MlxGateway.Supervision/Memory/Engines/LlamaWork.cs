using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>The compute buffers of <c>llama-server</c>: the tensors of one step of the prompt that are alive at once at the widest moment, 4 bytes a value, the mask of what sees what, and an output for each slot. Pure.</summary>
/// <remarks>With flash attention scores are never written down, and the mask has 2 bytes a cell instead of 4. A model that only reads has no cache: its mask is over the step itself.</remarks>
internal static class LlamaWork
{
    private const int ValueBytes = 4;

    // Those that only read and whose feed-forward layers have no gate. Of the others it is taken that they have one.
    private static readonly HashSet<string> Ungated = ["bert", "jina-bert-v3", "nomic-bert-moe"];

    /// <summary>What a model takes for it.</summary>
    /// <param name="facts">The model.</param>
    /// <param name="layout">How much is worked on at once.</param>
    /// <param name="writesScores">Whether attention is computed in the old way.</param>
    public static ByteSize Of(ModelFacts facts, LlamaLayout layout, bool writesScores)
    {
        var onlyReads = GgufUse.IsEncoder(facts.Architecture);
        long hidden = facts.HiddenSize ?? 0;
        var keys = facts.Cache?.Layers.Select(layers => layers.ValuesPerToken).DefaultIfEmpty().Max() ?? 0;
        var query = facts.QuerySize ?? Math.Max(hidden, keys / 2);
        var seen = onlyReads ? layout.Step : layout.Cells;

        // A gated layer holds its two halves and their product; one without a gate only the one, and what was asked is gone by then.
        long wide = facts.FeedForwardSize ?? 0;
        var feedForward = onlyReads && Ungated.Contains(facts.Architecture!) ? wide + (3 * hidden) : (3 * wide) + (3 * hidden) + query;
        var attention = (2 * query) + keys + (3 * hidden) + (writesScores ? seen * (facts.AttentionHeads ?? 0) : 0);
        var output = onlyReads ? 0 : (facts.VocabularySize ?? 0) + (2 * hidden);
        var mask = (writesScores ? 4 : 2) * layout.Step * seen;
        var outputs = ValueBytes * (long)(facts.VocabularySize ?? 0) * layout.Slots;
        return new ByteSize((ValueBytes * layout.Step * Math.Max(feedForward, Math.Max(attention, output))) + mask + outputs);
    }

    /// <summary>What a projector takes to read one image of the size that it was made for; nothing where it does not say. A design that cuts larger images into more pieces takes more.</summary>
    public static ByteSize OfProjector(ModelFacts? facts)
    {
        var values = (facts?.FeedForwardSize ?? 0) + (3L * (facts?.HiddenSize ?? 0));
        return new ByteSize(ValueBytes * values * (facts?.ImageTokens ?? 0));
    }
}
