using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>How many tokens <c>mlc_llm</c> has room for, by its own rules (its <c>EstimateMemoryUsageOnMode</c>) and by what it is told. Whoever launches and whoever estimates must mean the same. Pure.</summary>
internal static class MlcCapacity
{
    /// <summary>The most that it takes by itself on Metal, where larger buffers are slow.</summary>
    public const int MostOnMetal = 32768;

    private const string TotalName = "max_total_seq_length";
    private const int MostInLocalMode = 8192;
    private const int LocalSequences = 4;

    // Of a model whose configuration does not say it; what its converter writes.
    private const int UsualMostSequences = 128;

    /// <summary>How many requests are worked on at once.</summary>
    public static int Sequences(ModelSpec model, ModelFacts? facts)
    {
        var most = facts?.MostSequences ?? UsualMostSequences;
        return model.Mlc?.MaxNumSequence ?? model.Mlc?.Mode switch
        {
            MlcMode.Interactive => 1,
            MlcMode.Server => most,
            _ => Math.Min(LocalSequences, most),
        };
    }

    /// <summary>The most tokens that it makes room for by itself in a mode, as far as neither the device nor its memory sets a limit.</summary>
    /// <param name="model">Its mode.</param>
    /// <param name="facts">How many it was made for.</param>
    /// <param name="context">The most of one conversation.</param>
    public static long MostByItself(ModelSpec model, ModelFacts? facts, int context) => model.Mlc?.Mode switch
    {
        MlcMode.Interactive => context,
        MlcMode.Server => (long)context * Sequences(model, facts),
        _ => Math.Min(context, MostInLocalMode),
    };

    /// <summary>How many tokens the user wants room for, in the section or in <c>Args</c>; null: it is not said.</summary>
    public static int? Wanted(ModelSpec model) =>
        new EngineArguments(model.Args).Text("--overrides") is { } overrides
            ? overrides.Split(';').Select(static one => one.Split('=', 2)).LastOrDefault(static one => one is [TotalName, _]) is [_, var value] && int.TryParse(value, out var number) && number > 0 ? number : null
            : model.Mlc?.MaxTotalSequenceLength;

    /// <summary>Whether the gateway may still say how many: the user has said neither that nor other overrides in <c>Args</c>, which would be replaced.</summary>
    public static bool IsOpen(ModelSpec model) => Wanted(model) is null && !new EngineArguments(model.Args).Has("--overrides");

    /// <summary>How many the gateway says, because somebody configured how long or how many conversations are, or because the model fits only so; null: that is left to the engine.</summary>
    public static int? Told(ModelSpec model, LaunchShape shape) =>
        IsOpen(model) && shape.Context is { } context && (shape.Lowered is not null || model.Context is not null || model.MaxConcurrency > 1)
            ? (int)Math.Min((long)context * shape.Conversations, int.MaxValue)
            : null;
}
