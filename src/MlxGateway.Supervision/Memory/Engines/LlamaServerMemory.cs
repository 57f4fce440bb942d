using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>What <c>llama-server</c> takes. It takes nearly all of it when it starts, and says the sizes in its log; the formulas are fitted to those of the real program (see the room's note).</summary>
/// <remarks>
/// Weights: the tensors, mapped from the file or read. Keys and values: taken at the start for the whole context (<see cref="LlamaLayout"/>), in the formats that were asked for; a layer
/// with a sliding window has cells for the window of each conversation that shares the cache and one step of the prompt (as <c>llama_kv_cache_iswa</c> sizes it, not measured here);
/// recurrent states once for each slot. Compute buffers, also a projector's: <see cref="LlamaWork"/>. Prompt cache: what <c>--cache-ram</c> allows, 8 GB by itself. A draft is a second model with as many
/// cells, at the same time. Process: 22 MB, and 2 MB for what the first request leaves.
/// </remarks>
internal sealed class LlamaServerMemory : IEngineMemory
{
    private static readonly ByteSize EnginePromptCache = ByteSize.FromGigabytes(8);

    // What it is given by us. Its slots keep the last conversations anyway; all that it would take by itself would push other models out.
    private static readonly ByteSize MostPrompts = ByteSize.FromGigabytes(2);
    private static readonly ByteSize Process = ByteSize.FromMegabytes(24);

    // The table of what followed what, of --spec-type ngram-mod.
    private static readonly ByteSize GuessTable = ByteSize.FromMegabytes(16);

    /// <inheritdoc/>
    public ShapeFreedom FreedomOf(ModelSpec model, ModelFacts facts)
    {
        var args = new LlamaArguments(model);

        // Blocks of 32 values must fill a head's keys, and quantised values need flash attention.
        var format = !SaysFormat(args) && !args.WritesScores && facts.Cache is { } cache && cache.Layers.All(layers => layers.ValuesPerToken % 64 == 0);
        var context = !args.Has(LlamaFlags.Context) && !args.Has(LlamaFlags.PerSlot);
        return new(context, context && !args.Has(LlamaFlags.Parallel), format, !args.Has(LlamaFlags.CacheRam) && LlamaUse.Of(model, args).Chats);
    }

    /// <inheritdoc/>
    public LaunchShape Heed(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var args = new LlamaArguments(model);
        var use = LlamaUse.Of(model, args);
        var slots = args.Number(LlamaFlags.Parallel) is > 0 and var wanted ? wanted : (int?)null;
        var isShared = slots is null || args.IsOn(LlamaFlags.Unified) == true;
        shape = shape with { Conversations = isShared ? shape.Conversations : slots!.Value };
        if (args.Number(LlamaFlags.Context) is >= 0 and var said)
        {
            // 0 is the model's own. What is given is shared out among the slots, if the user made any.
            var all = said > 0 ? said : facts.ContextWindow ?? shape.Context ?? LlamaLayout.UnknownContext;
            var parts = isShared ? 1 : slots!.Value;
            shape = shape with { Context = Math.Max(1, all / parts), Conversations = parts };
        }
        else if (args.Number(LlamaFlags.PerSlot) is > 0 and var each)
        {
            shape = shape with { Context = each, Conversations = slots ?? EngineBounds.LlamaSharedSlots };
        }
        else if (use.TakesWholeInputs && model.Context is null && shape.Context > LlamaLayout.LongestWholeInput)
        {
            shape = shape with { Context = LlamaLayout.LongestWholeInput };
        }

        return shape with
        {
            CacheFormat = SaysFormat(args) ? FormatOf(args.Text(LlamaFlags.KeyType)) : shape.CacheFormat,
            PromptCache = args.Number(LlamaFlags.CacheRam) is { } megabytes ? (megabytes < 0 ? EnginePromptCache : ByteSize.FromMegabytes(megabytes)) : use.Chats ? shape.PromptCache : ByteSize.Zero,
        };
    }

    /// <inheritdoc/>
    public ByteSize? PromptCacheFor(ByteSize conversation) => ByteSize.Min(MostPrompts, conversation);

    /// <inheritdoc/>
    public ValueList<MemoryPart> PartsOf(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var args = new LlamaArguments(model);
        var layout = LlamaLayout.Of(model, shape, args);
        var formats = SaysFormat(args) ? LlamaFormats.Said(args.Text(LlamaFlags.KeyType), args.Text(LlamaFlags.ValueType)) : LlamaFormats.Of(shape.CacheFormat);
        var weights = facts.TensorBytes ?? model.FileBytes ?? ByteSize.Zero;
        List<MemoryPart> parts =
        [
            new(PartNames.Weights, weights),
            new(PartNames.Adapters, Attached(model, Attachment.Adapter)),
            new(PartNames.Projector, ProjectorOf(model, weights)),
            new(PartNames.Draft, DraftOf(model, layout, args)),
            new(PartNames.Cache, CacheOf(facts, layout, formats, args)),
            new(PartNames.Checkpoints, Checkpoints(model, facts, shape, layout, formats, args)),
            new(PartNames.Prompts, shape.PromptCache ?? EnginePromptCache),
            new(PartNames.Work, LlamaWork.Of(facts, layout, args.WritesScores)),
            new(PartNames.Process, Process),
        ];
        return ValueList.From(parts.Where(part => part.Bytes > ByteSize.Zero));
    }

    private static ByteSize CacheOf(ModelFacts facts, LlamaLayout layout, LlamaFormats formats, LlamaArguments args)
    {
        // Windows are kept for each conversation that shares a cache.
        var isWhole = args.IsOn(LlamaFlags.WholeWindows) == true;
        long Cells(int? window) => window is not { } kept || isWhole
            ? layout.Cells
            : CacheBytes.InSteps(Math.Min(layout.Cells, ((long)kept * (layout.Slots / layout.Caches)) + layout.Step), LlamaLayout.CellStep);
        return facts.Cache is { } cache ? formats.Of(cache, layout.Caches, Cells) + Times(cache.State, layout.Slots) : ByteSize.Zero;
    }

    private static ByteSize Checkpoints(ModelSpec model, ModelFacts facts, LaunchShape shape, LlamaLayout layout, LlamaFormats formats, LlamaArguments args)
    {
        if (!EngineBounds.NeedsCheckpoints(model) || facts.Cache is not { } cache)
        {
            return ByteSize.Zero;
        }

        var windows = formats.Of(cache, 1, window => Math.Min(window ?? 0, shape.Context ?? int.MaxValue));
        var kept = args.Has(LlamaFlags.Parallel) ? layout.Slots : shape.Conversations;
        return Times(windows + cache.State, kept * Math.Max(0, args.Number(LlamaFlags.Checkpoints) ?? EngineBounds.LlamaCheckpoints));
    }

    // It has a context of its own, with as many cells as the model's unless an older version was told otherwise, and works on as many tokens at once.
    private static ByteSize DraftOf(ModelSpec model, LlamaLayout layout, LlamaArguments args)
    {
        var table = args.Text(LlamaFlags.Guesses)?.Split(',').Contains("ngram-mod") == true ? GuessTable : ByteSize.Zero;
        if (model.Attached.FirstOrDefault(file => file.As == Attachment.Draft) is not { } draft)
        {
            return table;
        }

        var facts = draft.Facts ?? new ModelFacts();
        var own = args.Number(LlamaFlags.DraftContext) is > 0 and var context ? layout with { Cells = CacheBytes.InSteps(context, LlamaLayout.CellStep), Step = Math.Min(layout.Step, context) } : layout;
        var formats = LlamaFormats.Said(args.Text(LlamaFlags.DraftKeyType), args.Text(LlamaFlags.DraftValueType));
        return table + (facts.TensorBytes ?? draft.Bytes ?? ByteSize.Zero) + CacheOf(facts, own, formats, args) + LlamaWork.Of(facts, own, args.WritesScores);
    }

    private static ByteSize Attached(ModelSpec model, Attachment what) => new(model.Attached.Where(file => file.As == what).Sum(file => file.Bytes?.Bytes ?? 0));

    // The facts are those of the model's own file; the bytes of the files have the projector's in them that was found beside it.
    private static ByteSize ProjectorOf(ModelSpec model, ByteSize weights) => model.Attached.FirstOrDefault(file => file.As == Attachment.Projector) is { } named
        ? (named.Bytes ?? ByteSize.Zero) + LlamaWork.OfProjector(named.Facts)
        : model.Projector is not null && model.FileBytes is { } all ? ByteSize.Max(ByteSize.Zero, all - weights) + LlamaWork.OfProjector(model.ProjectorFacts) : ByteSize.Zero;

    private static ByteSize Times(ByteSize one, int count) => new(one.Bytes * count);

    private static bool SaysFormat(LlamaArguments args) => args.Has(LlamaFlags.KeyType) || args.Has(LlamaFlags.ValueType);

    private static CacheFormat FormatOf(string? type) => type switch
    {
        "q8_0" or "q5_0" or "q5_1" => CacheFormat.Q8, // the next that is not less
        "q4_0" or "q4_1" or "iq4_nl" => CacheFormat.Q4,
        _ => CacheFormat.F16,
    };
}
