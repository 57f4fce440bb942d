using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Puts the probe's readings and the configured budget together.</summary>
internal sealed class MemoryGauge(IMemoryProbe probe, MemoryOptions options) : IMemoryGauge
{
    /// <inheritdoc/>
    public MemoryObservation Observe(IReadOnlyCollection<int> runnerPids)
    {
        var reading = probe.Read();
        var ownUse = runnerPids.Aggregate(ByteSize.Zero, (sum, pid) => sum + probe.FootprintOf(pid));
        return new MemoryObservation(MemoryBudget.Ceiling(reading, options), MemoryBudget.Usable(reading, ownUse, options));
    }

    /// <inheritdoc/>
    public string Describe() => MemoryBudget.Describe(probe.Read(), options);

    /// <inheritdoc/>
    public long? MemoryKills() => probe.MemoryKills();

    /// <inheritdoc/>
    public MemoryNeeds NeedsOf(ModelSpec model) => model switch
    {
        { Memory: { } configured } => new MemoryNeed(configured, "as configured"),
        { FileBytes: { } weights } => new MemoryNeed(weights, $"weights {weights}"),
        _ => new MemoryNeed(options.DefaultRequirement, "the default, as nothing is known of it"),
    };
}
