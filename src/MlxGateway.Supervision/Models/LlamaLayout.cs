namespace MlxGateway.Supervision.Models;

/// <summary>How <c>llama-server</c> divides what it is given among the conversations. Whoever launches and whoever estimates must mean the same.</summary>
/// <remarks>
/// Left alone it has 4 slots in one cache. Told of slots, each has a cache of its own with its share of the context (<c>--kv-unified</c>: all share one). Contexts and caches are whole
/// steps of 256 cells. A step of the prompt has 512 tokens, or the whole input where the model needs it so.
/// </remarks>
/// <param name="Slots">How many conversations it holds at once.</param>
/// <param name="Caches">How many caches there are: one, or one for each slot.</param>
/// <param name="Cells">The tokens of each cache.</param>
/// <param name="Step">The most tokens of a prompt that are worked on at once (<c>--ubatch-size</c>).</param>
internal readonly record struct LlamaLayout(int Slots, int Caches, long Cells, int Step)
{
    /// <summary>The context where neither the model nor the user names one.</summary>
    public const int UnknownContext = 4096;

    /// <summary>The longest input of a model that takes inputs whole, where nobody says otherwise: what a step needs grows with the square of its length.</summary>
    public const int LongestWholeInput = 8192;

    /// <summary>The tokens by which caches grow.</summary>
    public const int CellStep = 256;

    /// <summary>The tokens of a batch where nobody says otherwise.</summary>
    public const int OwnBatch = 2048;

    private const int OwnStep = 512;

    /// <summary>The layout of a launch.</summary>
    public static LlamaLayout Of(ModelSpec model, LaunchShape shape, LlamaArguments arguments)
    {
        var told = arguments.Number(LlamaFlags.Parallel) is > 0 and var said ? said : SaysSlots(model, shape, arguments) ? shape.Conversations : (int?)null;
        var slots = told ?? EngineBounds.LlamaSharedSlots;
        var caches = told is null || arguments.IsOn(LlamaFlags.Unified) == true ? 1 : slots;
        var all = InSteps((long)(shape.Context ?? UnknownContext) * shape.Conversations);
        var whole = WholeInput(model, shape, arguments);
        var batch = Above(arguments.Number(LlamaFlags.Batch)) ?? Math.Max(OwnBatch, whole ?? 0);
        var step = arguments.Number(LlamaFlags.Step) is { } given ? Above(given) ?? batch : whole ?? OwnStep;
        return new LlamaLayout(slots, caches, InSteps((all + caches - 1) / caches), (int)Math.Min(Math.Min(batch, step), all));
    }

    /// <summary>Whether the gateway tells it how many conversations there are.</summary>
    public static bool SaysSlots(ModelSpec model, LaunchShape shape, LlamaArguments arguments) =>
        EngineBounds.HasSlots(model, shape) && !arguments.Has(LlamaFlags.Parallel) && !arguments.Has(LlamaFlags.PerSlot);

    /// <summary>The longest input of a model that takes inputs whole, for which the gateway makes a step long enough; null: it need not, or the user said how long steps are.</summary>
    public static int? WholeInput(ModelSpec model, LaunchShape shape, LlamaArguments arguments) =>
        !LlamaUse.Of(model, arguments).TakesWholeInputs || arguments.Has(LlamaFlags.Step) ? null
        : shape.Context ?? (model.Facts?.ContextWindow is { } window ? Math.Min(window, LongestWholeInput) : null);

    private static int? Above(int? number) => number > 0 ? number : null;

    private static long InSteps(long tokens) => (tokens + CellStep - 1) / CellStep * CellStep;
}
