using System.Collections.Concurrent;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>The gates of the ready models. Anybody may ask for a lease or bring one back; only the pool's loop opens and closes.</summary>
internal sealed class LeaseGates(TimeProvider time, Action<ModelLease> release)
{
    private readonly ConcurrentDictionary<string, LeaseGate> _byModel = new(StringComparer.Ordinal);

    /// <summary>A lease, granted on the spot; null: the loop must decide.</summary>
    public ModelLease? TryGrant(ModelSpec model) => _byModel.TryGetValue(model.Id, out var gate) ? gate.TryGrant(model) : null;

    /// <summary>Takes a lease back on the spot. False: the loop must hear of it.</summary>
    public bool TryTakeBack(ModelLease lease) => _byModel.TryGetValue(lease.Model.Id, out var gate) && gate.Launch == lease.Launch && gate.TryTakeBack();

    /// <summary>How many leases a launch has out, if its gate is open.</summary>
    public int? LeasesOf(string model, int launch) => _byModel.TryGetValue(model, out var gate) && gate.Launch == launch ? gate.Leases : null;

    /// <summary>Closes all, and takes what they did into the books. Before the ledger is given an event.</summary>
    public void Close(ResidencyLedger ledger)
    {
        foreach (var resident in ledger.Residents)
        {
            if (_byModel.TryGetValue(resident.Id, out var gate) && gate.Close() is { } leases)
            {
                ResidencyLedger.CountGate(resident, leases, gate.LastUsed, gate.FirstReturn);
            }
        }
    }

    /// <summary>Opens those of the models that need no decision. After the ledger has been given its events.</summary>
    public void Open(ResidencyLedger ledger)
    {
        foreach (var resident in ledger.Residents)
        {
            if (!ledger.MayOpenGateOf(resident))
            {
                continue;
            }

            if (!_byModel.TryGetValue(resident.Id, out var gate) || gate.Launch != resident.Launch)
            {
                gate = new LeaseGate(resident.Spec, resident.Launch, resident.Runner!, resident.Revocation, resident.Habit, time, release);
                _byModel[resident.Id] = gate;
            }

            gate.Open(resident.Spec, resident.Leases, ledger.Step, ledger.LastLoadBegan);
        }
    }
}
