using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>A shape in the arguments of <c>llama-server</c>. What the user wrote is not said again, and what a version does not know is left out.</summary>
internal static class LlamaServerShape
{
    /// <param name="known">The flags that the program has; null where none but the oldest are needed.</param>
    public static IEnumerable<string> ArgumentsOf(ModelSpec model, LaunchShape shape, IReadOnlySet<string>? known)
    {
        var args = new EngineArguments(model.Args);
        var arguments = new List<string>();
        void Say(string flag, string value) => arguments.AddRange([flag, value]);
        bool Knows(string flag) => known?.Contains(flag) == true;

        // It shares the context out among the slots it is told of. Left alone it has four that share all of it, so that one conversation may have the whole length.
        if (shape.Context is { } context && !args.Has("--ctx-size", "-c"))
        {
            Say("--ctx-size", Number((long)context * shape.Conversations));
        }

        if (EngineBounds.HasSlots(model, shape) && !args.Has("--parallel", "-np"))
        {
            Say("--parallel", Number(shape.Conversations));
        }

        // Values can be quantised only with flash attention, which older versions must be told to use, and still older ones without saying "on".
        if (shape.CacheFormat != CacheFormat.F16 && !args.Has("--cache-type-k", "-ctk", "--cache-type-v", "-ctv") && Knows("--cache-type-k"))
        {
            var type = shape.CacheFormat == CacheFormat.Q8 ? "q8_0" : "q4_0";
            Say("--cache-type-k", type);
            Say("--cache-type-v", type);
            if (!args.Has("--flash-attn", "-fa") && Knows("--flash-attn"))
            {
                arguments.AddRange(Knows("--flash-attn on") ? ["--flash-attn", "on"] : ["--flash-attn"]);
            }
        }

        if (shape.PromptCache is { } prompts && !args.Has("--cache-ram", "-cram") && Knows("--cache-ram"))
        {
            Say("--cache-ram", Number(prompts.Bytes >> 20));
        }

        if (shape != LaunchShape.Free && EngineBounds.NeedsCheckpoints(model) && !args.Has("--ctx-checkpoints", "-ctxcp", "--swa-checkpoints") && Knows("--ctx-checkpoints"))
        {
            Say("--ctx-checkpoints", Number(EngineBounds.LlamaCheckpoints));
        }

        return arguments;
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
