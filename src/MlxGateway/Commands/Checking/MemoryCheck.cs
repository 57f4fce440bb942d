using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Commands.Checking;

/// <summary>How much memory models may use, and what keeps it so low.</summary>
internal sealed class MemoryCheck(IMemoryGauge gauge, MemoryLimits? limits) : ICheck
{
    private const string Area = "Memory";

    // What a model of four billion parameters takes at four bits, with a context that is worth it.
    private static readonly ByteSize Modest = ByteSize.FromGigabytes(4);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken)
    {
        var now = gauge.Observe([]);
        var findings = new List<Finding>
        {
            now.Ceiling == ByteSize.Zero
                ? new Finding(Area, Verdict.Problem, $"{gauge.Describe()}. Nothing is left for models.", "MlxGateway serve --MlxGateway:Memory:Reserve 1GB")
                : now.Ceiling < Modest
                    ? new Finding(Area, Verdict.Warning, $"{gauge.Describe()}. Only small models fit.", "MlxGateway serve --MlxGateway:Memory:Reserve 1GB")
                    : new Finding(Area, Verdict.Ok, gauge.Describe()),
        };
        if (now.Ceiling >= Modest && now.Usable < Modest)
        {
            findings.Add(new Finding(Area, Verdict.Warning, $"Other programs leave {now.Usable} of it at this moment. Close some of them, or models wait for memory."));
        }

        if (limits?.ControlGroup is { } group)
        {
            findings.Add(new Finding(Area, Verdict.Warning, $"A control group allows {group} of the machine's {limits.Machine}.", "In a container: docker update --memory SIZE --memory-swap SIZE NAME; as a unit: MemoryMax= in its file."));
        }

        if (limits?.Gpu is { } gpu && gpu.Bytes < limits.Machine.Bytes / 2)
        {
            var usual = limits.Machine.Bytes / 4 * 3 >> 20;
            findings.Add(new Finding(Area, Verdict.Warning, $"The GPU may hold {gpu} of the machine's {limits.Machine} (iogpu.wired_limit_mb).", $"sudo sysctl iogpu.wired_limit_mb={usual}"));
        }

        return Task.FromResult<IReadOnlyList<Finding>>(findings);
    }
}
