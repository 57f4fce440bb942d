using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>What <c>mlx_vlm.server</c> takes.</summary>
/// <param name="writesScores">Whether attention writes its scores down: MLX does without a GPU.</param>
/// <remarks>As <see cref="MlxLmMemory"/>, with its towers, without a prompt cache, and with nobody who bounds what MLX keeps of freed memory. Process: Python, 137 MB.</remarks>
internal sealed class MlxVlmMemory(bool writesScores) : IEngineMemory
{
    // It writes the first 5000 tokens in 16 bits whatever it is told; below this, 8 bits save nothing.
    private const int ShortestForFormat = 8192;

    private static readonly ByteSize Process = ByteSize.FromMegabytes(137);

    /// <inheritdoc/>
    public ShapeFreedom FreedomOf(ModelSpec model, ModelFacts facts)
    {
        if (MlxVlmUseMemory.Concerns(facts))
        {
            return new(Context: false, Conversations: false, Format: false, PromptCache: false);
        }

        var args = new EngineArguments(model.Args);
        var format = !args.Has("--kv-bits", "--kv-key-bits", "--kv-value-bits", "--kv-quant-scheme") && (model.Context ?? facts.ContextWindow ?? ShapeLadder.UnknownContext) >= ShortestForFormat;

        // It says itself that it can do so for plain layers only.
        format &= facts.Cache is { } cache && cache.Layers.All(layers => layers is { Window: null, StateBytes: 0 });
        return new(!args.Has("--max-kv-size"), Conversations: true, format, PromptCache: false);
    }

    /// <inheritdoc/>
    public LaunchShape Heed(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        if (MlxVlmUseMemory.Concerns(facts))
        {
            return MlxVlmUseMemory.Heed(facts, shape);
        }

        var args = new EngineArguments(model.Args);
        return shape with
        {
            Context = args.Number("--max-kv-size") is > 0 and var most ? most : shape.Context,
            CacheFormat = args.Text("--kv-bits") is { } bits ? (bits.StartsWith('8') ? CacheFormat.Q8 : CacheFormat.Q4) : shape.CacheFormat,
        };
    }

    /// <inheritdoc/>
    public ByteSize? PromptCacheFor(ByteSize conversation) => null;

    /// <inheritdoc/>
    public ValueList<MemoryPart> PartsOf(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var context = shape.Context ?? ShapeLadder.UnknownContext;
        var step = new EngineArguments(model.Args).Number("--prefill-step-size") is > 0 and var given ? given : MlxWork.PromptStep;
        var (cache, work) = MlxVlmUseMemory.Concerns(facts)
            ? (ByteSize.Zero, MlxVlmUseMemory.Work(facts, shape, writesScores))
            : (MlxWork.Cache(facts, shape, context, step), MlxWork.Prompt(facts, shape, context, step, writesScores));
        List<MemoryPart> parts =
        [
            new(PartNames.Weights, facts.TensorBytes ?? model.FileBytes ?? ByteSize.Zero),
            new(PartNames.Cache, cache),
            new(PartNames.Work, work),
            new(PartNames.Freed, cache + work),
            new(PartNames.Process, Process),
        ];
        return ValueList.From(parts.Where(part => part.Bytes > ByteSize.Zero));
    }
}
