using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>What <c>mlc_llm serve</c> takes. It works it out by itself before it loads, and this follows its formula (<c>EstimateMemoryUsageOnMode</c>); nothing of it has been measured here.</summary>
/// <param name="device">The memory of what it computes on, which is the machine's own where they share it; asked only for the mode that fills it.</param>
/// <param name="isMetal">Whether that is Metal, where it bounds its cache.</param>
/// <remarks>
/// Weights: those of its shards, and of the models that guess ahead. Keys and values: taken at the start for all tokens that it may hold, whoever they belong to; 16 bits a value, whatever the weights have, and
/// 1.25 bytes a token. Work: the buffers of attention, of one step of the prompts and of the choice of tokens, and what the compiled model holds at most between two layers, which only its library knows and which is
/// taken to be the widest of a layer. Process: Python with its compiler, 400 MB.
/// </remarks>
internal sealed class MlcLlmMemory(Func<ByteSize> device, bool isMetal) : IEngineMemory
{
    private const double UsualUtilization = 0.85;
    private const int UsualStep = 2048;
    private const double PageBytesOfToken = 1.25;
    private static readonly ByteSize Process = ByteSize.FromMegabytes(400);
    private static readonly ByteSize Attention = ByteSize.FromMegabytes(48);

    /// <inheritdoc/>
    public ShapeFreedom FreedomOf(ModelSpec model, ModelFacts facts) => new(Context: MlcCapacity.IsOpen(model), Conversations: MlcCapacity.IsOpen(model), Format: false, PromptCache: false);

    /// <inheritdoc/>
    public LaunchShape Widen(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        if (model.Mlc is not { Mode: MlcMode.Server } || !IsLeftToIt(model))
        {
            return shape;
        }

        var context = shape.Context ?? ShapeLadder.UnknownContext;
        var most = Math.Clamp(TokensOnDevice(model, facts), 1, MostByItself(model, facts, context));
        return shape with { Context = (int)Math.Min(context, most), Conversations = (int)Math.Max(1, most / context) };
    }

    /// <inheritdoc/>
    public LaunchShape Heed(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var context = shape.Context ?? ShapeLadder.UnknownContext;
        return MlcCapacity.Wanted(model) is { } wanted ? shape with { Context = Math.Min(context, wanted), Conversations = Math.Max(1, wanted / context) }
            : IsLeftToIt(model) ? shape with { Context = (int)Math.Min(context, MostByItself(model, facts, context)) }
            : shape; // what is configured is told to the engine as it is
    }

    /// <inheritdoc/>
    public ByteSize? PromptCacheFor(ByteSize conversation) => null;

    /// <inheritdoc/>
    public ValueList<MemoryPart> PartsOf(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var tokens = MlcCapacity.Wanted(model) ?? (long)(shape.Context ?? ShapeLadder.UnknownContext) * shape.Conversations;
        List<MemoryPart> parts =
        [
            new(PartNames.Weights, Weights(model, facts)),
            new(PartNames.Cache, new ByteSize((long)(tokens * BytesOfToken(model, facts)))),
            new(PartNames.Work, Work(model, facts)),
            new(PartNames.Process, Process),
        ];
        return ValueList.From(parts.Where(part => part.Bytes > ByteSize.Zero));
    }

    private static bool IsLeftToIt(ModelSpec model) => MlcCapacity.IsOpen(model) && model.Context is null && model.MaxConcurrency <= 1;

    private long MostByItself(ModelSpec model, ModelFacts facts, int context) =>
        Math.Min(MlcCapacity.MostByItself(model, facts, context), isMetal ? MlcCapacity.MostOnMetal : long.MaxValue);

    private long TokensOnDevice(ModelSpec model, ModelFacts facts)
    {
        var room = ((model.Mlc?.GpuMemoryUtilization ?? UsualUtilization) * device().Bytes) - Weights(model, facts).Bytes - Work(model, facts).Bytes;
        return BytesOfToken(model, facts) is > 0 and var each ? (long)Math.Clamp(room / each, 0, long.MaxValue / 2) : long.MaxValue;
    }

    private static ByteSize Weights(ModelSpec model, ModelFacts facts) => (facts.TensorBytes ?? model.FileBytes ?? ByteSize.Zero) + (model.Mlc?.AdditionalBytes ?? ByteSize.Zero);

    // Models that guess ahead keep as many tokens; how many layers they have is not known, so it is taken to go by the weights.
    private static double BytesOfToken(ModelSpec model, ModelFacts facts)
    {
        var own = facts.Cache is { } cache ? CacheBytes.Of(cache.ValuesPerToken, CacheFormat.F16).Bytes + PageBytesOfToken : 0;
        return facts.TensorBytes is { Bytes: > 0 } weights ? own * (1 + ((double)(model.Mlc?.AdditionalBytes.Bytes ?? 0) / weights.Bytes)) : own;
    }

    private static ByteSize Work(ModelSpec model, ModelFacts facts)
    {
        var (sequences, step) = (MlcCapacity.Sequences(model, facts), (double)(model.Mlc?.PrefillChunkSize ?? facts.PromptStep ?? UsualStep));
        double hidden = facts.HiddenSize ?? 0;
        double heads = facts.AttentionHeads ?? 0;
        var attention = (step * (heads + 1) * 8) + (step * (hidden + (KeyWidth(facts) / 2)) * 4);
        var steps = (step * 4) + (((step * 2) + sequences) * hidden * 2);
        var choice = sequences * ((facts.VocabularySize ?? 0) * 16.125);
        var between = step * ((3.0 * (facts.FeedForwardSize ?? 0)) + (2 * hidden)) * 2;
        return Attention + new ByteSize((long)Math.Min(attention + steps + choice + between, long.MaxValue / 4));
    }

    private static double KeyWidth(ModelFacts facts) => facts.Cache?.Layers.Select(layers => layers.ValuesPerToken).DefaultIfEmpty().Max() ?? 0;
}
