using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// Grants and takes back leases of one ready launch without the pool's loop, while nothing is to be decided. The loop closes it before it takes an event, counts its leases as
/// the ledger's own, and opens it again afterwards if the model is ready and nobody waits for anything. For use by any thread; only the loop opens and closes.
/// </summary>
/// <remarks>
/// The number of leases and whether the gate is open are one word, so that closing and counting are one step: after it no lease can be granted or taken back here.
/// A lease that comes back to a closed gate becomes an event, whichever way it was granted.
/// </remarks>
internal sealed class LeaseGate(ModelSpec model, int launch, IRunner runner, Revocation revocation, ReturnHabit habit, TimeProvider time, Action<ModelLease> release)
{
    private const int Closed = -1;
    private int _capacity = CapacityOf(model);
    private ModelSpec _model = model;
    private int _leases = Closed;
    private long _lastUsed;
    private long _firstReturn;
    private long _step;
    private long _lastLoadBegan;

    /// <summary>The launch whose leases these are.</summary>
    public int Launch { get; } = launch;

    /// <summary>How many leases it has out; null: it is closed, and the ledger knows.</summary>
    public int? Leases => Volatile.Read(ref _leases) is >= 0 and var open ? open : null;

    /// <summary>When a lease was last granted or came back here; null: never.</summary>
    public DateTimeOffset? LastUsed => Moment(ref _lastUsed);

    /// <summary>When the first lease came back here; null: none has.</summary>
    public DateTimeOffset? FirstReturn => Moment(ref _firstReturn);

    /// <summary>A lease; null: it takes the loop to decide.</summary>
    public ModelLease? TryGrant(ModelSpec wanted)
    {
        if (!ReferenceEquals(wanted, Volatile.Read(ref _model)))
        {
            return null;
        }

        var open = Volatile.Read(ref _leases);
        while (open >= 0 && open < Volatile.Read(ref _capacity))
        {
            var seen = Interlocked.CompareExchange(ref _leases, open + 1, open);
            if (seen == open)
            {
                var now = time.GetUtcNow();
                Volatile.Write(ref _lastUsed, now.UtcTicks);
                habit.Asked(now, _lastLoadBegan);
                return new ModelLease(wanted, Launch, runner, revocation, TimeSpan.Zero, TimeSpan.Zero, release);
            }

            open = seen;
        }

        return null;
    }

    /// <summary>Takes a lease back. False: the gate is closed, and the ledger must be told.</summary>
    public bool TryTakeBack()
    {
        var open = Volatile.Read(ref _leases);
        while (open > 0)
        {
            // Noted before it counts as back, so that whoever closes the gate and finds it gone knows when it came.
            var now = time.GetUtcNow();
            Interlocked.CompareExchange(ref _firstReturn, now.UtcTicks, 0);
            Volatile.Write(ref _lastUsed, now.UtcTicks);
            habit.Returned(now, _step);
            var seen = Interlocked.CompareExchange(ref _leases, open - 1, open);
            if (seen == open)
            {
                return true;
            }

            open = seen;
        }

        return false;
    }

    /// <summary>Opens it with leases that are out already.</summary>
    /// <param name="current">The specification as requests carry it now.</param>
    /// <param name="leases">How many are out.</param>
    /// <param name="step">The ledger's step.</param>
    /// <param name="lastLoadBegan">The step in which the load began that was finished last.</param>
    public void Open(ModelSpec current, int leases, long step, long lastLoadBegan)
    {
        Volatile.Write(ref _model, current);
        Volatile.Write(ref _capacity, CapacityOf(current));
        _step = step;
        _lastLoadBegan = lastLoadBegan;
        Volatile.Write(ref _leases, leases);
    }

    /// <summary>Closes it. Returns how many leases are out; null: it was closed.</summary>
    public int? Close() => Interlocked.Exchange(ref _leases, Closed) is >= 0 and var open ? open : null;

    private static int CapacityOf(ModelSpec model) => model.MaxConcurrency == 0 ? int.MaxValue : model.MaxConcurrency;

    private static DateTimeOffset? Moment(ref long ticks) => Volatile.Read(ref ticks) is > 0 and var at ? new DateTimeOffset(at, TimeSpan.Zero) : null;
}
