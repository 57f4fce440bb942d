using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Puts the probe's readings, the configured budget and what is known of models together.</summary>
/// <param name="observed">What models were seen to take; null: nobody has looked.</param>
internal sealed class MemoryGauge(IMemoryProbe probe, MemoryOptions options, IObservedFootprints? observed = null) : IMemoryGauge
{
    private readonly MemoryEstimator _estimator = new(options);

    /// <inheritdoc/>
    public MemoryObservation Observe(IReadOnlyCollection<int> runnerPids)
    {
        var reading = probe.Read();
        var ownUse = probe.FootprintOf(runnerPids);
        return new MemoryObservation(MemoryBudget.Ceiling(reading, options), MemoryBudget.Usable(reading, ownUse, options));
    }

    /// <inheritdoc/>
    public ByteSize Available() => probe.Read().Available;

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, FootprintReading> FootprintsOf(IReadOnlyCollection<int> runnerPids) => probe.ReadingsOf(runnerPids);

    /// <inheritdoc/>
    public string Describe() => MemoryBudget.Describe(probe.Read(), options);

    /// <inheritdoc/>
    public long? MemoryKills() => probe.MemoryKills();

    /// <inheritdoc/>
    public MemoryNeeds NeedsOf(ModelSpec model)
    {
        if (model.Memory is { } configured)
        {
            var shape = new LaunchShape { Context = model.Context };
            return new MemoryNeed(configured, "as configured") { Shape = shape, LoadTime = observed?.LoadTimeOf(model, shape) };
        }

        if (_estimator.NeedsOf(model) is not { } estimates)
        {
            ByteSize? files = model.FileBytes is { } all ? new ByteSize(LocalShare.Weights(model, all).Bytes * LocalShare.RanksHere(model)) : null;
            return Seen(model, new MemoryNeed(files ?? options.DefaultRequirement, files is { } weights ? $"weights {weights}" : "the default, as nothing is known of it")
            {
                Shape = new LaunchShape { Context = model.Context },
            });
        }

        var needs = new List<MemoryNeed>();
        foreach (var need in estimates.Select(estimate => Seen(model, estimate)))
        {
            // A shorter way that was seen to take no less than a longer one does not help.
            if (needs.Count == 0 || need.Total < needs[^1].Total)
            {
                needs.Add(need);
            }
        }

        return new MemoryNeeds(ValueList.From(needs));
    }

    private MemoryNeed Seen(ModelSpec model, MemoryNeed need) => observed?.PeakOf(model, need.Shape) is not { } peak ? need : need with
    {
        Total = ByteSize.Max(need.Total, peak),
        Reason = peak > need.Total ? $"{need.Reason}; {peak} was seen" : need.Reason,
        Observed = peak,
        LoadTime = observed.LoadTimeOf(model, need.Shape),
    };
}
