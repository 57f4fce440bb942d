using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>What <c>llama-server</c> takes. It takes nearly all of it when it starts, and says the sizes in its log; the formulas are fitted to those of the real program (see the room's note).</summary>
/// <remarks>
/// Weights: the tensors, mapped from the file. Keys and values: taken at the start for the whole context, in steps of 256 tokens; a layer with a sliding window has cells for
/// the window of each conversation that shares the cache and one step of the prompt (as <c>llama_kv_cache_iswa</c> sizes it, not measured here); recurrent states once for each slot.
/// Compute buffer: what the widest moment of a layer holds for one step of the prompt (feed-forward, attention, or the output for each token), and the mask.
/// Prompt cache: what <c>--cache-ram</c> allows, 8 GB by itself. Process: 22 MB, and 2 MB for what the first request leaves.
/// </remarks>
internal sealed class LlamaServerMemory : IEngineMemory
{
    private const int Step = 512;
    private const int CellStep = 256;
    private static readonly ByteSize EnginePromptCache = ByteSize.FromGigabytes(8);

    // What it is given by us. Its slots keep the last conversations anyway; all that it would take by itself would push other models out.
    private static readonly ByteSize MostPrompts = ByteSize.FromGigabytes(2);
    private static readonly ByteSize Process = ByteSize.FromMegabytes(24);

    /// <inheritdoc/>
    public ShapeFreedom FreedomOf(ModelSpec model, ModelFacts facts)
    {
        var args = new EngineArguments(model.Args);
        var format = !args.Has("--cache-type-k", "-ctk", "--cache-type-v", "-ctv") && args.Text("--flash-attn", "-fa") is not ("off" or "0" or "false");

        // Blocks of 32 values must fill a head's keys.
        format &= facts.Cache is { } cache && cache.Layers.All(layers => layers.ValuesPerToken % 64 == 0);
        return new(!args.Has("--ctx-size", "-c"), !args.Has("--parallel", "-np", "--ctx-size", "-c"), format, !args.Has("--cache-ram", "-cram"));
    }

    /// <inheritdoc/>
    public LaunchShape Heed(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var args = new EngineArguments(model.Args);
        var slots = args.Number("--parallel", "-np") is > 0 and var wanted ? wanted : (int?)null;
        shape = shape with { Conversations = slots ?? shape.Conversations };
        if (args.Number("--ctx-size", "-c") is { } all)
        {
            // 0 is the model's own. What is given is shared out among the slots, if the user made any.
            all = all > 0 ? all : facts.ContextWindow ?? shape.Context ?? 4096;
            var parts = args.Has("--kv-unified", "-kvu") ? 1 : slots ?? 1;
            shape = shape with { Context = all / parts, Conversations = parts };
        }

        return shape with
        {
            CacheFormat = (args.Text("--cache-type-k", "-ctk") ?? args.Text("--cache-type-v", "-ctv")) is { } type ? FormatOf(type) : shape.CacheFormat,
            PromptCache = args.Number("--cache-ram", "-cram") is { } megabytes ? (megabytes < 0 ? EnginePromptCache : ByteSize.FromMegabytes(megabytes)) : shape.PromptCache,
        };
    }

    /// <inheritdoc/>
    public ByteSize? PromptCacheFor(ByteSize conversation) => ByteSize.Min(MostPrompts, conversation);

    /// <inheritdoc/>
    public ValueList<MemoryPart> PartsOf(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var args = new EngineArguments(model.Args);
        var context = (int)CacheBytes.InSteps(shape.Context ?? 4096, CellStep);
        var step = Math.Min(args.Number("--ubatch-size", "-ub") is > 0 and var given ? given : Step, context);
        var shared = EngineBounds.HasSlots(model, shape) ? 1 : EngineBounds.LlamaSharedSlots;
        var slots = shape.Conversations * shared;
        long Cells(int? window) => window is { } kept && !args.Has("--swa-full")
            ? CacheBytes.InSteps(Math.Min(context, ((long)kept * shared) + step), CellStep)
            : context;

        var weights = facts.TensorBytes ?? model.FileBytes ?? ByteSize.Zero;
        List<MemoryPart> parts =
        [
            new(PartNames.Weights, weights),
            new(PartNames.Projector, ProjectorOf(model, weights)),
            new(PartNames.Cache, CacheBytes.Allocated(facts.Cache, shape.Conversations, shape.CacheFormat, Cells) + Times(facts.Cache?.State, slots)),
            new(PartNames.Checkpoints, Checkpoints(model, facts, shape, args)),
            new(PartNames.Prompts, shape.PromptCache ?? EnginePromptCache),
            new(PartNames.Work, new ByteSize(Compute(facts, step, (long)context * shape.Conversations, args) + (4L * (facts.VocabularySize ?? 0) * slots))),
            new(PartNames.Process, Process),
        ];
        return ValueList.From(parts.Where(part => part.Bytes > ByteSize.Zero));
    }

    // The tensors of one step of the prompt, 4 bytes a value, that are alive at once at the widest moment. With flash attention scores are never written down.
    private static long Compute(ModelFacts facts, int step, long cells, EngineArguments args)
    {
        long hidden = facts.HiddenSize ?? 0;
        var keys = facts.Cache?.Layers.Select(layers => layers.ValuesPerToken).DefaultIfEmpty().Max() ?? 0;
        var feedForward = (3L * (facts.FeedForwardSize ?? 0)) + (7 * hidden);
        var attention = (2 * Math.Max(hidden, keys / 2)) + keys + (3 * hidden);
        var output = (facts.VocabularySize ?? 0) + (2 * hidden);
        var widest = 4 * step * Math.Max(feedForward, Math.Max(attention, output));
        return args.Text("--flash-attn", "-fa") is "off" or "0" or "false"
            ? widest + (4 * step * cells * ((facts.AttentionHeads ?? 0) + 1))
            : widest + (2 * step * cells);
    }

    private static ByteSize Checkpoints(ModelSpec model, ModelFacts facts, LaunchShape shape, EngineArguments args)
    {
        if (!EngineBounds.NeedsCheckpoints(model) || facts.Cache is not { } cache)
        {
            return ByteSize.Zero;
        }

        var windows = CacheBytes.Allocated(cache, 1, shape.CacheFormat, window => Math.Min(window ?? 0, shape.Context ?? int.MaxValue));
        return Times(windows + cache.State, shape.Conversations * (args.Number("--ctx-checkpoints", "-ctxcp", "--swa-checkpoints") ?? EngineBounds.LlamaCheckpoints));
    }

    // The facts are those of the model's own file; the bytes of the files have the projector's in them.
    private static ByteSize ProjectorOf(ModelSpec model, ByteSize weights) =>
        model.Projector is not null && model.FileBytes is { } all ? ByteSize.Max(ByteSize.Zero, all - weights) : ByteSize.Zero;

    private static ByteSize Times(ByteSize? one, int count) => new((one?.Bytes ?? 0) * count);

    private static CacheFormat FormatOf(string type) => type switch
    {
        "q8_0" or "q5_0" or "q5_1" => CacheFormat.Q8, // the next that is not less
        "q4_0" or "q4_1" or "iq4_nl" => CacheFormat.Q4,
        _ => CacheFormat.F16,
    };
}
