using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>A shape in the arguments of <c>mlx_lm.server</c> and of its companion.</summary>
internal static class MlxLmShape
{
    /// <summary>What the engine itself is told, unless the user has told it.</summary>
    public static IEnumerable<string> ArgumentsOf(ModelSpec model, LaunchShape shape)
    {
        var args = new EngineArguments(model.Args);
        if (!args.Has("--prompt-cache-size"))
        {
            yield return "--prompt-cache-size";
            yield return Number(EngineBounds.MlxKeptPrompts);
        }

        // By itself it counts running requests in; the companion holds it to this for what is kept.
        if (shape.PromptCache is { } prompts && EngineBounds.MayBoundKeptPrompts(model) && !args.Has("--prompt-cache-size", "--prompt-cache-bytes"))
        {
            yield return "--prompt-cache-bytes";
            yield return Number(LocalShare.Cache(model, prompts).Bytes);
        }
    }

    /// <summary>What only the companion understands: the engine has neither a limit of the context nor one of freed memory.</summary>
    public static IEnumerable<string> BoundsOf(ModelSpec model, LaunchShape shape)
    {
        yield return "--gateway-pool";
        yield return Number(EngineBounds.MlxFreedMemory(model).Bytes);
        if (shape.Context is { } context)
        {
            yield return "--gateway-context";
            yield return Number(context);
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
