using MlxGateway.Supervision.Memory.Engines;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Works out from what its files say what a model needs, for each way in which it may be launched. Pure.</summary>
internal sealed class MemoryEstimator(MemoryOptions options)
{
    private static readonly Dictionary<string, IEngineMemory> Engines = new(StringComparer.Ordinal)
    {
        [KindNames.LlamaServer] = new LlamaServerMemory(),

        // On a Mac MLX computes attention without writing its scores down; elsewhere it may run on the processor.
        [KindNames.MlxLm] = new MlxLmMemory(writesScores: !OperatingSystem.IsMacOS()),
        [KindNames.MlxVlm] = new MlxVlmMemory(writesScores: !OperatingSystem.IsMacOS()),

        // Of a card with memory of its own nothing is known here: what it would fill is counted as if it were the machine's.
        [KindNames.MlcLlm] = new MlcLlmMemory(static () => new ByteSize(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes), isMetal: OperatingSystem.IsMacOS()),
    };

    /// <summary>What it needs in each way in which it may be launched, the best first; null: too little is known of it, or of its engine.</summary>
    public IReadOnlyList<MemoryNeed>? NeedsOf(ModelSpec model)
    {
        if (!Knows(model))
        {
            return null;
        }

        var needs = new List<MemoryNeed>();
        foreach (var shape in ShapeLadder.Of(model, model.Facts!, Engines[model.Runner], options.MinimumContext))
        {
            var need = NeedOf(model, shape);

            // What gives something up and needs no less is no choice.
            if (needs.Count == 0 || need.Total < needs[^1].Total)
            {
                needs.Add(need);
            }
        }

        return needs;
    }

    /// <summary>What it needs when it is launched in one way. Only for a model that it <see cref="Knows"/>.</summary>
    public static MemoryNeed NeedOf(ModelSpec model, LaunchShape shape)
    {
        var parts = Engines[model.Runner].PartsOf(model, model.Facts!, shape);
        var total = Sum(parts);
        return new MemoryNeed(total, ReasonOf(parts)) { Shape = shape, Parts = parts, Estimate = total };
    }

    /// <summary>Whether enough is known of it and of its engine.</summary>
    public static bool Knows(ModelSpec model) => model.Facts is not null && (model.Facts.TensorBytes ?? model.FileBytes) is not null && Engines.ContainsKey(model.Runner);

    private static string ReasonOf(ValueList<MemoryPart> parts)
    {
        var overhead = Sum(parts.Where(part => !PartNames.IsTold(part.Name)));
        return string.Join(", ", parts.Where(part => PartNames.IsTold(part.Name)).Append(new MemoryPart("overhead", overhead)).Select(part => $"{part.Name} {part.Bytes}"));
    }

    private static ByteSize Sum(IEnumerable<MemoryPart> parts) => parts.Aggregate(ByteSize.Zero, (sum, part) => sum + part.Bytes);
}
