namespace MlxGateway.Supervision.Models;

/// <summary>Bounds that the gateway sets on engines which by themselves have none, or wider ones. Whoever launches and whoever estimates must mean the same.</summary>
public static class EngineBounds
{
    /// <summary>Prompts whose keys and values <c>mlx_lm</c> keeps for the next turn. Its own ten, each as long as its context, can take more memory than the model.</summary>
    public const int MlxKeptPrompts = 4;

    /// <summary>
    /// The freed memory that MLX may keep for the next allocation, where the gateway can say so; its own bound is nearly the machine's memory. As much as one layer holds while a step
    /// of the prompt (2048 tokens, 2 bytes a value) goes through it, so that the next layer need not allocate it anew, within 64 to 512 MB; 256 MB where nothing is known of the model.
    /// </summary>
    public static ByteSize MlxFreedMemory(ModelSpec model)
    {
        var width = Math.Max(4L * (model.Facts?.FeedForwardSize ?? 0), 20L * (model.Facts?.HiddenSize ?? 0));
        return width == 0 ? ByteSize.FromMegabytes(256) : ByteSize.Min(ByteSize.FromMegabytes(512), ByteSize.Max(ByteSize.FromMegabytes(64), new ByteSize(2 * 2048 * width)));
    }

    /// <summary>Whether what <c>mlx_lm</c> keeps of prompts may be bounded in bytes. Ranks that have layers of their own keep different sizes, would drop different prompts, and lose step with each other.</summary>
    public static bool MayBoundKeptPrompts(ModelSpec model) => model.Distributed is not { Pipeline: true };

    /// <summary>Conversations that <c>llama-server</c> holds in one common cache when nobody says how many (<c>--parallel -1</c>).</summary>
    public const int LlamaSharedSlots = 4;

    /// <summary>Earlier states that <c>llama-server</c> keeps of a conversation, for models that cannot go back in it. Its own 32 can take more memory than the conversation.</summary>
    public const int LlamaCheckpoints = 4;

    /// <summary>Whether a model forgets, or sums up, what it has read, so that an engine must keep earlier states of it to go back.</summary>
    public static bool NeedsCheckpoints(ModelSpec model) => model.Facts?.Cache is { } cache && cache.Layers.Any(layers => layers.Window is not null || layers.StateBytes > 0);

    /// <summary>Whether <c>llama-server</c> is told how many conversations there are; otherwise it lets a few share one cache.</summary>
    public static bool HasSlots(ModelSpec model, LaunchShape shape) => shape.Conversations > 1 || model.MaxConcurrency == 1;
}
