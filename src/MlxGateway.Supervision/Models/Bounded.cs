namespace MlxGateway.Supervision.Models;

/// <summary>Looks at many models at once, but not at so many that the machine does nothing else.</summary>
internal static class Bounded
{
    private static readonly int Most = Math.Clamp(Environment.ProcessorCount, 1, 8);

    /// <summary>What each becomes, in their order; those that become nothing are left out.</summary>
    public static IReadOnlyList<ModelSpec> SelectMany<T>(IReadOnlyList<T> each, Func<T, IEnumerable<ModelSpec?>> look)
    {
        var found = new ModelSpec[each.Count][];
        Parallel.For(0, each.Count, new ParallelOptions { MaxDegreeOfParallelism = Most }, i => found[i] = [.. look(each[i]).OfType<ModelSpec>()]);
        return [.. found.SelectMany(models => models)];
    }
}
