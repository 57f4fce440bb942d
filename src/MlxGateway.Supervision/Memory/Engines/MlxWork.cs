using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>What the engines over MLX take while they work. Pure; fitted to MLX's own count of what is alive at most (see the room's note).</summary>
internal static class MlxWork
{
    /// <summary>Keys and values grow in steps of so many tokens (<c>KVCache.step</c>).</summary>
    public const int CellStep = 256;

    /// <summary>Tokens of each prompt that are read at once (<c>--prefill-step-size</c>).</summary>
    public const int PromptStep = 2048;

    // Prompts that are read together (--prompt-concurrency).
    private const int PromptsAtOnce = 8;

    /// <summary>Keys and values of all conversations, each padded to the longest; a window holds the step that is being read, too.</summary>
    public static ByteSize Cache(ModelFacts facts, LaunchShape shape, int context, int step)
    {
        long Cells(int? window) => Math.Min(CacheBytes.InSteps(context, CellStep), window is { } kept ? (long)kept + step : long.MaxValue);
        var state = new ByteSize((facts.Cache?.State.Bytes ?? 0) * shape.Conversations);
        return CacheBytes.Allocated(facts.Cache, shape.Conversations, shape.CacheFormat, Cells) + state;
    }

    /// <summary>What one step of the prompts holds at most: four tensors as wide as the feed-forward layer, or twenty as wide as the hidden state and the scores, 2 bytes a value.</summary>
    /// <param name="facts">The model.</param>
    /// <param name="shape">How many conversations are read at once.</param>
    /// <param name="context">How long each is.</param>
    /// <param name="step">Tokens of each that are read at once.</param>
    /// <param name="writesScores">Whether attention writes its scores down: so without a GPU.</param>
    public static ByteSize Prompt(ModelFacts facts, LaunchShape shape, int context, int step, bool writesScores)
    {
        var tokens = (long)Math.Min(step, context) * Math.Min(shape.Conversations, PromptsAtOnce);
        var scores = writesScores ? (long)(facts.AttentionHeads ?? 0) * context : 0;
        return new ByteSize(2 * tokens * Math.Max(4L * (facts.FeedForwardSize ?? 0), (20L * (facts.HiddenSize ?? 0)) + scores));
    }
}
