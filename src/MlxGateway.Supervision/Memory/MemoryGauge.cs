using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Puts the probe's readings and the configured budget together.</summary>
internal sealed class MemoryGauge(IMemoryProbe probe, MemoryOptions options) : IMemoryGauge
{
    /// <inheritdoc/>
    public MemoryObservation Observe(IReadOnlyCollection<int> runnerPids)
    {
        var reading = probe.Read();
        var ownUse = probe.FootprintOf(runnerPids);
        return new MemoryObservation(MemoryBudget.Ceiling(reading, options), MemoryBudget.Usable(reading, ownUse, options));
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, FootprintReading> FootprintsOf(IReadOnlyCollection<int> runnerPids) => probe.ReadingsOf(runnerPids);

    /// <inheritdoc/>
    public string Describe() => MemoryBudget.Describe(probe.Read(), options);

    /// <inheritdoc/>
    public MemoryNeeds NeedsOf(ModelSpec model) => model switch
    {
        { Memory: { } configured } => new MemoryNeed(configured, "as configured"),
        { FileBytes: { } weights } => new MemoryNeed(weights, $"weights {weights}"),
        _ => new MemoryNeed(options.DefaultRequirement, "the default, as nothing is known of it"),
    };
}
