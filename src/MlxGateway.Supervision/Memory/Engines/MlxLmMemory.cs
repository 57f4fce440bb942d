using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>What <c>mlx_lm.server</c> takes when its companion bounds it.</summary>
/// <param name="writesScores">Whether attention writes its scores down: MLX does without a GPU.</param>
/// <remarks>
/// Weights: the tensors in buffers of their own, without towers, which it drops. Keys and values: they grow with the conversation; what is counted is its full length.
/// Prompt cache: the companion holds the engine to <c>--prompt-cache-bytes</c>. Freed memory: MLX keeps what is freed, as much as the keys that were copied when they grew and what a
/// step of the prompt held; the companion bounds it. Process: Python, 76 to 82 MB in both versions. Of a model on several hosts: what the ranks on this machine take, each with its
/// <see cref="LocalShare"/> of weights, keys and values and with work as if it were alone, and the launcher.
/// </remarks>
internal sealed class MlxLmMemory(bool writesScores) : IEngineMemory
{
    private static readonly ByteSize Process = ByteSize.FromMegabytes(80);
    private static readonly ByteSize Launcher = ByteSize.FromMegabytes(25);

    /// <inheritdoc/>
    public ShapeFreedom FreedomOf(ModelSpec model, ModelFacts facts) =>
        new(Context: true, Conversations: true, Format: false, PromptCache: !new EngineArguments(model.Args).Has("--prompt-cache-bytes", "--prompt-cache-size") && EngineBounds.MayBoundKeptPrompts(model));

    /// <inheritdoc/>
    public LaunchShape Heed(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var args = new EngineArguments(model.Args);
        shape = shape with { CacheFormat = args.Number("--kv-bits") switch { null => shape.CacheFormat, <= 4 => CacheFormat.Q4, _ => CacheFormat.Q8 } };
        if (SizeOf(args.Text("--prompt-cache-bytes")) is { } bytes)
        {
            return shape with { PromptCache = bytes };
        }

        return args.Number("--prompt-cache-size") is { } kept ? shape with { PromptCache = AllKept(facts, shape, kept) } : shape;
    }

    /// <inheritdoc/>
    public ByteSize? PromptCacheFor(ByteSize conversation) => new(conversation.Bytes * 2);

    /// <inheritdoc/>
    public ValueList<MemoryPart> PartsOf(ModelSpec model, ModelFacts facts, LaunchShape shape)
    {
        var args = new EngineArguments(model.Args);
        var context = shape.Context ?? ShapeLadder.UnknownContext;
        var step = args.Number("--prefill-step-size") is > 0 and var given ? given : MlxWork.PromptStep;
        var cache = LocalShare.Cache(model, MlxWork.Cache(facts, shape, context, step));
        var work = MlxWork.Prompt(facts, shape, context, step, writesScores);
        var kept = AllKept(facts, shape, args.Number("--prompt-cache-size") ?? EngineBounds.MlxKeptPrompts);
        var ranks = LocalShare.RanksHere(model);
        List<MemoryPart> parts =
        [
            new(PartNames.Weights, LocalShare.Weights(model, (facts.TensorBytes ?? model.FileBytes ?? ByteSize.Zero) - facts.TowerBytes)),
            new(PartNames.Cache, cache),
            new(PartNames.Prompts, LocalShare.Cache(model, ByteSize.Min(kept, shape.PromptCache ?? kept))),
            new(PartNames.Work, work),
            new(PartNames.Freed, ByteSize.Min(EngineBounds.MlxFreedMemory(model), cache + work)),
            new(PartNames.Process, Process),
        ];
        return ValueList.From(parts.Select(part => part with { Bytes = new ByteSize(part.Bytes.Bytes * ranks) }).Append(new(PartNames.Launcher, model.Distributed is null ? ByteSize.Zero : Launcher)).Where(part => part.Bytes > ByteSize.Zero));
    }

    private static ByteSize AllKept(ModelFacts facts, LaunchShape shape, int count) =>
        new(count * CacheBytes.Conversation(facts.Cache, shape.Context ?? ShapeLadder.UnknownContext, shape.CacheFormat).Bytes);

    // As the engine reads it: a number is bytes, and its megabyte has a million of them.
    private static ByteSize? SizeOf(string? text)
    {
        var digits = text?.TrimEnd('b', 'B') ?? "";
        var unit = digits.Length == 0 ? 1 : char.ToUpperInvariant(digits[^1]) switch { 'M' => 1e6, 'G' => 1e9, _ => 1 };
        return double.TryParse(digits.TrimEnd('m', 'M', 'g', 'G', ' '), System.Globalization.CultureInfo.InvariantCulture, out var number) ? new ByteSize((long)(number * unit)) : null;
    }
}
