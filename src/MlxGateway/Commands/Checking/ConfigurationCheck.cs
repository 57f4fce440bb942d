namespace MlxGateway.Commands.Checking;

/// <summary>Whether a gateway would start with this configuration.</summary>
internal sealed class ConfigurationCheck(ConfigurationReport report) : ICheck
{
    private const string Area = "Configuration";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var read = report.Files.Where(File.Exists).ToList();
        var place = read.Count == 0 ? "there is no file, so all defaults hold" : string.Join(", ", read);
        return Task.FromResult<IReadOnlyList<Finding>>(report.Mistakes.Count == 0
            ? [new Finding(Area, Verdict.Ok, $"{place}; {report.Models} model{(report.Models == 1 ? "" : "s")} configured")]
            : [.. report.Mistakes.Select(mistake => new Finding(Area, Verdict.Problem, mistake, $"${{EDITOR:-vi}} {Quoted(read.LastOrDefault() ?? report.Files[0])}"))]);
    }

    private static string Quoted(string path) => path.Contains(' ', StringComparison.Ordinal) ? $"'{path}'" : path;
}
