using System.Collections.Concurrent;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Tests.Residency;

// A machine of 10 GB on which every model needs what its specification says, or 6 GB.
internal sealed class FakeGauge : IMemoryGauge
{
    private readonly Lock _lock = new();
    private readonly List<int[]> _observed = [];
    private int _looks;

    public volatile Func<Exception>? Breaks;

    public volatile Func<Exception>? CannotEstimate;

    public double Usable { get; set; } = 10;

    public long? Kills { get; set; }

    public List<int[]> Observed
    {
        get
        {
            lock (_lock)
            {
                return [.. _observed];
            }
        }
    }

    public MemoryObservation Observe(IReadOnlyCollection<int> runnerPids)
    {
        lock (_lock)
        {
            _observed.Add([.. runnerPids]);
        }

        return Breaks is { } makeException ? throw makeException() : new(ByteSize.FromGigabytes(10), ByteSize.FromGigabytes(Usable));
    }

    // By process id. One that is not in it is gone.
    public ConcurrentDictionary<int, FootprintReading> Footprints { get; } = new();

    public volatile Func<Exception>? CannotLook;

    public int Looks => Volatile.Read(ref _looks);

    public IReadOnlyDictionary<int, FootprintReading> FootprintsOf(IReadOnlyCollection<int> runnerPids)
    {
        var seen = Footprints.Where(entry => runnerPids.Contains(entry.Key)).ToDictionary();
        Interlocked.Increment(ref _looks);
        return CannotLook is { } makeException ? throw makeException() : seen;
    }

    public long? MemoryKills() => Kills;

    public string Describe() => "as much as a test says";

    public MemoryNeeds NeedsOf(ModelSpec model) =>
        CannotEstimate is { } makeException ? throw makeException() : new MemoryNeed(model.Memory ?? ByteSize.FromGigabytes(6), "as configured");
}
