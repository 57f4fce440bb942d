using MlxGateway.Supervision.Processes;

namespace MlxGateway.Commands.Checking;

/// <summary>Whether runners are there whose gateway is gone.</summary>
internal sealed class LeftBehindCheck(string stateFolder) : ICheck
{
    private const string Area = "Left behind";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var left = LeftBehind.Look(new ProcessesOptions { StateDirectory = stateFolder });
        var findings = new List<Finding>();
        if (left.Strays.Count > 0)
        {
            findings.Add(new Finding(Area, Verdict.Warning, $"Runners of a gateway that is gone hold memory: {string.Join(", ", left.Strays)}. The next start ends them.", "MlxGateway serve"));
        }

        if (left.Kept.Count > 0)
        {
            findings.Add(new Finding(Area, Verdict.Ok, $"Runners were kept for the next start (Residency:OnExit): {string.Join(", ", left.Kept)}."));
        }

        return Task.FromResult<IReadOnlyList<Finding>>(findings.Count > 0 ? findings : [new Finding(Area, Verdict.Ok, "no runner is without a gateway")]);
    }
}
