using MlxGateway.Supervision.Models;
namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Finds a Python that can import a module.</summary>
internal sealed class PythonSearch(PythonProbes probes)
{
    private const int LookAhead = 4;

    /// <summary>The first that can, best place first.</summary>
    /// <param name="module">The module, which is also the engine's name.</param>
    /// <param name="script">The program that its package installs.</param>
    /// <param name="configured">The only interpreter to be taken; null: search.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<EngineReport> FindAsync(string module, string script, string? configured, CancellationToken cancellationToken)
    {
        var passedOver = new List<string>();
        using var candidates = Candidates(script, configured, passedOver).GetEnumerator();
        var asked = new Queue<(string Python, Task<PythonFacts> Facts)>();
        while (true)
        {
            // A few ahead, so that one that hangs does not hold up the rest; not all, for most machines need only the first.
            while (asked.Count < LookAhead && candidates.MoveNext())
            {
                asked.Enqueue((candidates.Current, probes.AskAsync(candidates.Current, cancellationToken)));
            }

            if (!asked.TryDequeue(out var next))
            {
                return EngineReport.Of(module, null, null, passedOver);
            }

            var facts = await next.Facts;
            if (facts.WhyNot(module) is not { } why)
            {
                return EngineReport.Of(module, next.Python, facts.Describe(module), passedOver) with
                {
                    Stamp = PythonProbes.StampOf(next.Python, facts),
                    Options = facts.Modules.GetValueOrDefault(module)?.Options,
                    RecommendedWorkingSet = facts.Device.RecommendedWorkingSet is > 0 and { } bytes ? new ByteSize(bytes) : null,
                };
            }

            passedOver.Add($"{next.Python}: {why}");
        }
    }

    private static IEnumerable<string> Candidates(string script, string? configured, List<string> passedOver)
    {
        if (configured is null)
        {
            return PythonPlaces.For(script);
        }

        // A configured interpreter is the only one: taking another in its place would hide the mistake.
        if (!Path.IsPathRooted(configured) && !configured.Contains('/', StringComparison.Ordinal))
        {
            return ExecutablePlaces.Of(configured).Take(1);
        }

        var full = Path.GetFullPath(configured);
        if (File.Exists(full))
        {
            return [full];
        }

        passedOver.Add($"{full}: {(Directory.Exists(full) ? "is a folder, not a Python" : "does not exist")}");
        return [];
    }
}
