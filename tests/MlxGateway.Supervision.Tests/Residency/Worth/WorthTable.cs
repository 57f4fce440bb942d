using System.Globalization;
using System.Text;

namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>All traces under both policies, as a table for people.</summary>
internal static class WorthTable
{
    private const string SeparateTaskModel = "chat-page-task-model";

    /// <summary>The load times that are asked for, in seconds.</summary>
    public static IReadOnlyList<int> Loads { get; } = [3, 10, 30];

    /// <summary>Writes it: Markdown, first come, first served on the left of each arrow and the ledger on the right.</summary>
    public static string Write()
    {
        var table = new StringBuilder();
        table.AppendLine("| trace | load | swaps | makespan | | wait p50 | p95 | max | background answered | p50 | p95 | max |");
        table.AppendLine("|--|--|--|--|--|--|--|--|--|--|--|--|");
        foreach (var (name, standIn) in Trace.Names.Select(n => (n, (string?)null)).Append((SeparateTaskModel, "a")))
        {
            foreach (var load in Loads)
            {
                var time = TimeSpan.FromSeconds(load);
                var traces = Trace.Read(name);
                var theirs = Figures.Mean([.. traces.Select(t => new FirstComeLru(t, time).Play())]);
                var ours = Figures.Mean([.. traces.Select(t => new TraceRun(t, time, standIn).Play())]);
                table.AppendLine(Row(standIn is null ? name : $"{name}, BackgroundModel", load, theirs, ours));
            }
        }

        return table.ToString();
    }

    private static string Row(string name, int load, Figures theirs, Figures ours) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {name} | {load} s | {theirs.Loads:0} → {ours.Loads:0} | {theirs.Makespan:0} → {ours.Makespan:0} | {ours.Makespan / theirs.Makespan:0.00} | {Cells(theirs.People, ours.People)} | {Background(theirs, ours)} |");

    private static string Background(Figures theirs, Figures ours) => double.IsNaN(theirs.BackgroundAnswered)
        ? "| | |"
        : string.Create(CultureInfo.InvariantCulture, $"{100 * theirs.BackgroundAnswered:0} → {100 * ours.BackgroundAnswered:0} % | {Cells(theirs.Background, ours.Background)}");

    private static string Cells(Waits theirs, Waits ours) =>
        string.Create(CultureInfo.InvariantCulture, $"{theirs.Median:0.0} → {ours.Median:0.0} | {theirs.P95:0} → {ours.P95:0} | {theirs.Most:0} → {ours.Most:0}");
}
