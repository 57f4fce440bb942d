using System.Globalization;
using MlxGateway.Supervision.Memory.Engines;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory;

/// <summary>
/// The ways in which a model may be launched, the best first. Each step gives up what is missed least: half of the kept prompts, then 16 bits for keys and values, then conversations at
/// once, then the length of a conversation, and with the shortest the rest of the kept prompts. Pure.
/// </summary>
internal static class ShapeLadder
{
    /// <summary>The most tokens of one conversation where neither configuration nor files name a limit.</summary>
    public const int UnknownContext = 32768;

    // Contexts that are tried below the full one; a very long one is quartered, so that the list stays short.
    private const int MostContexts = 6;

    // The prompts kept, as parts of what the engine is best given.
    private const int LesserPrompts = 4;

    /// <summary>The shapes of a model.</summary>
    /// <param name="engine">The engine that serves it.</param>
    /// <param name="minimumContext">The shortest context that is of any use; less where the model itself has less.</param>
    public static IEnumerable<LaunchShape> Of(ModelSpec model, ModelFacts facts, IEngineMemory engine, int minimumContext)
    {
        var free = engine.FreedomOf(model, facts);
        var best = engine.Heed(model, facts, engine.Widen(model, facts, new LaunchShape
        {
            Context = model.Context ?? facts.ContextWindow ?? UnknownContext,
            Conversations = Math.Max(1, model.MaxConcurrency),
        }));
        LaunchShape With(LaunchShape shape, int promptParts)
        {
            var prompts = free.PromptCache && engine.PromptCacheFor(CacheBytes.Conversation(facts.Cache, shape.Context ?? UnknownContext, shape.CacheFormat)) is { } all
                ? new ByteSize(all.Bytes / LesserPrompts * promptParts)
                : best.PromptCache;

            // What the user wrote about prompts may mean something else at another length.
            var whole = engine.Heed(model, facts, shape with { PromptCache = prompts });
            return whole with { Lowered = Sentence(best, whole, free, promptParts) };
        }

        yield return With(best, LesserPrompts);
        yield return With(best, LesserPrompts / 4);
        var lower = best;
        if (free.Format && lower.CacheFormat == CacheFormat.F16)
        {
            yield return With(lower = lower with { CacheFormat = CacheFormat.Q8 }, LesserPrompts / 4);
        }

        if (free.Conversations)
        {
            if (lower.Conversations > 2)
            {
                yield return With(lower = lower with { Conversations = lower.Conversations / 2 }, LesserPrompts / 4);
            }

            if (lower.Conversations > 1)
            {
                yield return With(lower = lower with { Conversations = 1 }, LesserPrompts / 4);
            }
        }

        if (free.Context)
        {
            foreach (var context in Shorter(best.Context!.Value, minimumContext))
            {
                yield return With(lower = lower with { Context = context }, LesserPrompts / 4);
            }
        }

        yield return With(lower, 0);
    }

    private static IEnumerable<int> Shorter(int full, int minimum)
    {
        var factor = (long)minimum << MostContexts < full ? 4 : 2;
        for (var context = full; context > minimum;)
        {
            yield return context = Math.Max(minimum, context / factor);
        }
    }

    private static string? Sentence(LaunchShape best, LaunchShape shape, ShapeFreedom free, int promptParts)
    {
        var lowered = new List<string>();
        if (shape.Context != best.Context)
        {
            lowered.Add($"a conversation has at most {Number(shape.Context)} tokens instead of {Number(best.Context)}");
        }

        if (shape.Conversations != best.Conversations)
        {
            lowered.Add($"memory is set aside for {Number(shape.Conversations)} of them at once instead of {Number(best.Conversations)}");
        }

        if (shape.CacheFormat != best.CacheFormat)
        {
            lowered.Add("keys and values are kept in 8 bits instead of 16");
        }

        if (free.PromptCache && shape.PromptCache is { } prompts && promptParts < LesserPrompts)
        {
            lowered.Add(prompts == ByteSize.Zero ? "no earlier prompts are kept" : $"only {prompts} of earlier prompts are kept");
        }

        return lowered.Count == 0 ? null : $"So that the model fits in memory, {(lowered.Count == 1 ? lowered[0] : $"{string.Join(", ", lowered[..^1])} and {lowered[^1]}")}.";
    }

    private static string Number(int? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "any number of";
}
