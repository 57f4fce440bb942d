namespace MlxGateway.Supervision.Processes;

/// <summary>What gateways left that are gone: runners without an owner, which the next start ends or takes over.</summary>
/// <param name="Strays">Names of those that were left running by accident.</param>
/// <param name="Kept">Names of those that were left on purpose.</param>
public sealed record LeftBehind(IReadOnlyList<string> Strays, IReadOnlyList<string> Kept)
{
    /// <summary>Looks, and touches nothing.</summary>
    public static LeftBehind Look(ProcessesOptions options) => Look(new StateFolder(options), ProcessTables.ForThisSystem());

    internal static LeftBehind Look(StateFolder folder, IProcessTable table) => new(
        [.. folder.Records().Select(static entry => entry.Record)
            .Where(record => record.Epoch == table.Epoch && !table.Lives(record.Owner))
            .SelectMany(static record => record.Children)
            .Where(child => table.Lives(child.Leader))
            .Select(static child => child.Label)],
        [.. folder.KeptRecords().Select(static entry => entry.Record)
            .Where(child => child.Epoch == table.Epoch && table.Lives(child.Leader))
            .Select(static child => child.Label)]);
}
