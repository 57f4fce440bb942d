using System.Text.RegularExpressions;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Commands.Checking;

/// <summary>Which engines are here, where, and why others were passed over.</summary>
internal sealed partial class EngineCheck(IEnumerable<IEngine> engines) : ICheck
{
    private const string Area = "Engine";
    private const int MostNotes = 6;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var findings = new List<Finding>();
        var reports = new List<EngineReport>();
        foreach (var (engine, asking) in engines.Select(e => (e, e.FindAsync(cancellationToken))).ToList())
        {
            try
            {
                reports.Add(await asking);
                findings.Add(Of(reports[^1]));
            }
            catch (Exception unasked) when (unasked is IOException or UnauthorizedAccessException)
            {
                // What an engine says of itself is written down in the state folder first.
                findings.Add(new Finding(Area, Verdict.Problem, $"{engine.Name} could not be looked for: {unasked.Message}", "MlxGateway doctor   (once the state folder can be written to)"));
            }
        }

        if (reports.Count > 0 && reports.TrueForAll(static r => !r.IsFound))
        {
            // MLX is at home on a Mac; elsewhere the last of them is, llama.cpp.
            var suggested = OperatingSystem.IsMacOS() ? reports[0] : reports[^1];
            findings.Add(new Finding(Area, Verdict.Problem, "There is no usable engine, so that only demonstration models can be served.", suggested.Install));
        }

        findings.AddRange(Python(reports));
        return findings;
    }

    private static Finding Of(EngineReport report)
    {
        if (report.IsFound)
        {
            return new Finding(Area, Verdict.Ok, $"{report.Engine} {report.Version} ({report.Path})") { Notes = Notes(report) };
        }

        // It is installed, but the import raises: installing it once more, in that very Python, is what helps.
        var broken = report.PassedOver.Select(static why => Broken().Match(why)).FirstOrDefault(static m => m.Success);
        return broken is not null
            ? new Finding(Area, Verdict.Warning, $"{report.Engine} is installed in {broken.Groups["python"].Value}, but cannot be imported: {broken.Groups["why"].Value}", report.Pip is { } pip ? $"{broken.Groups["python"].Value} -m pip install --force-reinstall {pip}" : report.Install) { Notes = Notes(report) }
            : new Finding(Area, Verdict.Warning, report.NotHere is { } why ? $"{report.Engine} was not found; {why}" : $"{report.Engine} was not found", report.Install) { Notes = Notes(report) };
    }

    private static IEnumerable<Finding> Python(List<EngineReport> reports)
    {
        var modules = reports.Where(static r => r.Pip is not null).ToList();
        if (modules.Count > 0 && modules.TrueForAll(static r => !r.IsFound && r.PassedOver.Count == 0))
        {
            yield return new Finding("Python", Verdict.Warning, "There is no Python here, which the engines of MLX and MLC need.", OperatingSystem.IsMacOS() ? "brew install python" : "sudo apt install python3 python3-pip");
        }
    }

    private static List<string> Notes(EngineReport report)
    {
        var notes = report.PassedOver.Take(MostNotes).Select(static why => $"passed over {why}").ToList();
        if (report.PassedOver.Count > MostNotes)
        {
            notes.Add($"and {report.PassedOver.Count - MostNotes} more");
        }

        return notes;
    }

    [GeneratedRegex(@"^(?<python>/.*?): import of \S+ failed: (?<why>.*)$", RegexOptions.Singleline)]
    private static partial Regex Broken();
}
