using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>A shape in the arguments of <c>llama-server</c>. What the user said, by a flag or a variable, is not said again, and what a version does not know is left out.</summary>
internal static class LlamaServerShape
{
    /// <param name="args">What the user said.</param>
    /// <param name="known">The flags that the program has; null where none but the oldest are needed.</param>
    public static IEnumerable<string> ArgumentsOf(ModelSpec model, LaunchShape shape, LlamaArguments args, IReadOnlySet<string>? known)
    {
        var arguments = new List<string>();
        void Say(string flag, string value) => arguments.AddRange([flag, value]);
        bool Knows(string flag) => known?.Contains(flag) == true;

        // It shares the context out among the slots it is told of. Left alone it has four that share all of it, so that one conversation may have the whole length.
        if (shape.Context is { } context && !args.Has(LlamaFlags.Context) && !args.Has(LlamaFlags.PerSlot))
        {
            Say("--ctx-size", Number((long)context * shape.Conversations));
        }

        if (LlamaLayout.SaysSlots(model, shape, args))
        {
            Say("--parallel", Number(shape.Conversations));
        }

        // It refuses an input that is longer than a step. A step is never longer than the batch, which is 2048 by itself.
        if (LlamaLayout.WholeInput(model, shape, args) is { } whole)
        {
            if (!args.Has(LlamaFlags.Batch))
            {
                Say("--batch-size", Number(Math.Max(LlamaLayout.OwnBatch, whole)));
            }

            Say("--ubatch-size", Number(whole));
        }

        // Values can be quantised only with flash attention, which older versions must be told to use, and still older ones without saying "on".
        if (shape.CacheFormat != CacheFormat.F16 && !args.Has(LlamaFlags.KeyType) && !args.Has(LlamaFlags.ValueType) && Knows("--cache-type-k"))
        {
            var type = shape.CacheFormat == CacheFormat.Q8 ? "q8_0" : "q4_0";
            Say("--cache-type-k", type);
            Say("--cache-type-v", type);
            if (!args.Has(LlamaFlags.FlashAttention) && Knows("--flash-attn"))
            {
                arguments.AddRange(Knows("--flash-attn on") ? ["--flash-attn", "on"] : ["--flash-attn"]);
            }
        }

        if (shape.PromptCache is { } prompts && !args.Has(LlamaFlags.CacheRam) && Knows("--cache-ram"))
        {
            Say("--cache-ram", Number(prompts.Bytes >> 20));
        }

        if (shape != LaunchShape.Free && EngineBounds.NeedsCheckpoints(model) && !args.Has(LlamaFlags.Checkpoints) && Knows("--ctx-checkpoints"))
        {
            Say("--ctx-checkpoints", Number(EngineBounds.LlamaCheckpoints));
        }

        return arguments;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
