using System.Globalization;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>Whether, and at what price, a model would get into memory if somebody asked for it now.</summary>
public enum Fit
{
    /// <summary>It is in memory, or being loaded.</summary>
    Loaded,

    /// <summary>As well as it can be, beside everything that is loaded.</summary>
    Fits,

    /// <summary>As well as it can be, once others have left or have finished loading.</summary>
    FitsAfterSwap,

    /// <summary>Only launched smaller than it could be: with a shorter context, as a rule. Others may have to leave all the same.</summary>
    FitsWithLessContext,

    /// <summary>Not while other programs hold the memory, however small it is launched.</summary>
    DoesNotFitNow,

    /// <summary>Never on this machine, beside what is pinned.</summary>
    Never,
}

/// <summary>What would become of a request for one model, judged from outside. Pure; it asks the same <see cref="EvictionPlanner"/> as the ledger does.</summary>
/// <remarks>A forecast and never a decision: other requests that wait, and the next reading of memory, may turn it over. A model on its way out is judged as if it were gone.</remarks>
/// <param name="Value">The judgement.</param>
/// <param name="Need">How it is launched, or would be; the least where it would not be.</param>
/// <param name="OthersGoFirst">Whether it would have to wait until others have left or have finished loading.</param>
/// <param name="Message">The judgement as a sentence for a person, with numbers.</param>
/// <param name="Figures">The numbers of the judgement.</param>
public sealed record ModelFit(Fit Value, MemoryNeed Need, bool OthersGoFirst, string Message, MemoryShortage Figures)
{
    // Who leaves when is of no interest here, only whether somebody must.
    private static readonly SwapTerms AtOnce = new(DateTimeOffset.MinValue, TimeSpan.Zero, null);

    /// <summary>Judges one model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="needs">What it needs in each way in which it may be launched.</param>
    /// <param name="pool">Who is in memory, with the newest reading.</param>
    /// <returns>Null where memory was never read.</returns>
    public static ModelFit? Of(ModelSpec model, MemoryNeeds needs, PoolSnapshot pool)
    {
        if (pool.Memory == default)
        {
            return null;
        }

        var own = pool.Models.FirstOrDefault(m => m.Id == model.Id);
        List<Resident> others = [.. pool.Models.Where(m => m != own && m.State is not ResidentState.Absent).Select(Shadow)];
        return own is { State: ResidentState.Launching or ResidentState.Ready, Need: { } held }
            ? new ModelFit(Fit.Loaded, held, false, $"It is {(own.State is ResidentState.Ready ? "in memory" : "being loaded")} and counted with {held.Total} ({held.Reason}).", FiguresOf(held, others, pool.Memory))
            : Judge(model, needs, others, pool);
    }

    private static ModelFit Judge(ModelSpec model, MemoryNeeds needs, List<Resident> others, PoolSnapshot pool)
    {
        var immovable = EvictionPlanner.Immovable(others);
        if (EvictionPlanner.CanNeverFit(needs.Least, immovable, pool.Memory.Ceiling))
        {
            var least = FiguresOf(needs.Least, others, pool.Memory);
            return new ModelFit(Fit.Never, needs.Least, false, Refusal.NeverFits(model.Id, needs.Least, pool.Memory.Ceiling - immovable, least).Message, least);
        }

        var need = EvictionPlanner.NeedFor(needs, 0, others, pool.Memory);
        var figures = FiguresOf(need, others, pool.Memory);
        switch (EvictionPlanner.Plan(new Resident(model, need), others, pool.Memory.Usable, pool.MaxResident, AtOnce, DateTimeOffset.MaxValue))
        {
            case EvictionPlan.Short:
                return new ModelFit(Fit.DoesNotFitNow, need, false, Refusal.DoesNotFitNow(model.Id, need, pool.Memory.Usable - immovable, figures, TimeSpan.Zero).Message, figures);

            case EvictionPlan.Fits:
                return IsAsLong(need, needs)
                    ? new ModelFit(Fit.Fits, need, false, $"It needs {need.Total} of the {figures.Available} that are free.", figures)
                    : Lessened(needs, need, false, figures);

            default:
                return IsAsLong(need, needs)
                    ? new ModelFit(Fit.FitsAfterSwap, need, true, Capital(WhyOthersGo(need, figures, pool.MaxResident)), figures)
                    : Lessened(needs, need, true, figures, pool.MaxResident);
        }
    }

    // With fewer kept prompts, or with keys and values in fewer bits, it answers all the same.
    private static bool IsAsLong(MemoryNeed need, MemoryNeeds needs) => need == needs.Best || (need.Shape.Context is not null && need.Shape.Context == needs.Best.Shape.Context);

    private static ModelFit Lessened(MemoryNeeds needs, MemoryNeed need, bool othersGoFirst, MemoryShortage figures, int maxResident = 0)
    {
        var lowered = need.Shape.Lowered?.TrimEnd('.') ?? $"It is launched with {need.Total} instead of {needs.Best.Total}";
        return new ModelFit(Fit.FitsWithLessContext, need, othersGoFirst, othersGoFirst ? $"{lowered}; {WhyOthersGo(need, figures, maxResident)}" : $"{lowered}.", figures);
    }

    private static string WhyOthersGo(MemoryNeed need, MemoryShortage figures, int maxResident) => need.Total <= figures.Available
        ? string.Create(CultureInfo.InvariantCulture, $"there is room for its {need.Total}, but others leave first: {maxResident} may be in memory at once (Residency:MaxResident).")
        : $"it needs {need.Total} and {figures.Available} are free: others leave for it first.";

    private static string Capital(string sentence) => string.Concat(char.ToUpperInvariant(sentence[0]).ToString(), sentence.AsSpan(1));

    private static MemoryShortage FiguresOf(MemoryNeed need, List<Resident> others, MemoryObservation memory)
    {
        var held = EvictionPlanner.Held(others);
        return new(need.Total, memory.Ceiling, ByteSize.Max(memory.Usable - held, ByteSize.Zero), held - EvictionPlanner.Immovable(others));
    }

    // What the planner looks at, put together again from what was published.
    private static Resident Shadow(ResidentSnapshot shown)
    {
        var resident = new Resident(shown.Spec ?? new ModelSpec { Id = shown.Id, Runner = shown.Runner }, new MemoryNeed(shown.Planned, "")) { HasServed = true };
        resident.Enter(shown.State, DateTimeOffset.MinValue);
        return resident;
    }
}
