using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// What the pool's loop last published. Everything in it is as it was at that moment, except the numbers of leases of ready models:
/// those are read when somebody looks, so that a request to a ready model need not publish anything.
/// </summary>
internal sealed class PublishedPool
{
    private readonly PoolSnapshot _snapshot;
    private readonly LeaseGates _gates;
    private readonly Resident[] _ready;
    private readonly Dictionary<string, ModelSpec> _readySpecs = new(StringComparer.Ordinal);

    /// <summary>Reads the ledger; only the pool's loop may do so.</summary>
    public PublishedPool(ResidencyLedger ledger, LeaseGates gates)
    {
        _gates = gates;
        var shown = ledger.Residents
            .Where(r => r.State is not ResidentState.Absent || r.Waiting.Count > 0)
            .OrderBy(r => r.Id, StringComparer.Ordinal)
            .ToList();
        _snapshot = new PoolSnapshot([.. shown.Select(View)], ledger.Memory ?? default, EvictionPlanner.Held(ledger.Residents), ledger.IsShuttingDown)
        {
            Version = ledger.Version,
            MaxResident = ledger.MaxResident,
        };
        _ready = [.. shown.Where(r => r.State is ResidentState.Ready)];
        foreach (var resident in _ready)
        {
            _readySpecs.Add(resident.Id, resident.Spec);
        }
    }

    /// <summary>Whether the model was ready, with exactly this specification. A hint that saves work, never a decision.</summary>
    public bool SeesReady(ModelSpec model) => _readySpecs.TryGetValue(model.Id, out var spec) && ReferenceEquals(spec, model);

    /// <summary>The state as published, with the numbers of leases of this moment.</summary>
    public PoolSnapshot Now()
    {
        var models = _snapshot.Models;
        ResidentSnapshot[]? fresh = null;
        var next = 0;
        for (var i = 0; i < models.Count && next < _ready.Length; i++)
        {
            if (models[i].State is not ResidentState.Ready)
            {
                continue;
            }

            // Both lists are in the order of ids. A launch that is over since then has published, or is about to.
            var resident = _ready[next++];
            var leases = _gates.LeasesOf(resident.Id, resident.Launch) ?? resident.Leases;
            if (leases != models[i].Leases)
            {
                fresh ??= [.. models];
                fresh[i] = models[i] with { Leases = leases };
            }
        }

        return fresh is null ? _snapshot : _snapshot with { Models = fresh };
    }

    private static ResidentSnapshot View(Resident resident) => new(
        resident.Id,
        resident.State,
        resident.Spec.Runner,
        resident.Runner?.Pid,
        resident.Runner?.Address.Port,
        resident.Leases,
        resident.Waiting.Count,
        resident.Since,
        resident.HoldsMemory ? resident.Need.Total : ByteSize.Zero)
    {
        Need = resident.HoldsMemory ? resident.Need : null,
        Spec = resident.Spec,
        LoadTime = resident.LoadTime,
        Failure = resident.State is ResidentState.Cooling ? resident.Failure : null,
    };
}
