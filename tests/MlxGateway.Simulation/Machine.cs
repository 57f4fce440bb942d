using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Simulation;

/// <summary>The machine's memory: what other programs take of it, what the runners take, and a probe that can break.</summary>
internal sealed class Machine(Scenario scenario, Trace trace, Dice dice) : IMemoryGauge
{
    private readonly Dictionary<int, SimulatedRunner> _byPid = [];
    private readonly List<ByteSize> _sinceRest = [];
    private readonly List<int[]> _seenSinceRest = [];
    private ByteSize _lastBeforeRest;
    private int[] _lastSeen = [];
    private int _pids = 100;

    /// <summary>What other programs hold.</summary>
    public ByteSize Others { get; set; }

    /// <summary>Whether reading fails.</summary>
    public bool IsBroken { get; set; }

    /// <summary>When a reading last succeeded; null: never.</summary>
    public TimeSpan? LastReadAt { get; private set; }

    /// <summary>When somebody last tried to read and could not.</summary>
    public TimeSpan? LastBrokenAt { get; private set; }

    /// <summary>The most that was usable by any reading on which something that happens in this moment may have been decided.</summary>
    public ByteSize MostUsable => _sinceRest.Aggregate(_lastBeforeRest, ByteSize.Max);

    /// <summary>The least of them.</summary>
    public ByteSize LeastUsable => _sinceRest.Aggregate(_lastBeforeRest, ByteSize.Min);

    /// <summary>Whether the memory of a process was known as the models' own in any such reading.</summary>
    public bool HasSeen(int pid) => _lastSeen.Contains(pid) || _seenSinceRest.Exists(seen => seen.Contains(pid));

    public int Adopt(SimulatedRunner runner)
    {
        _byPid.Add(++_pids, runner);
        return _pids;
    }

    public void Bury(SimulatedRunner runner) => _byPid.Remove(runner.Pid);

    /// <summary>The moment is over: from now on only its last reading counts.</summary>
    public void Rest()
    {
        if (_sinceRest.Count > 0)
        {
            _lastBeforeRest = _sinceRest[^1];
            _sinceRest.Clear();
            _lastSeen = _seenSinceRest[^1];
            _seenSinceRest.Clear();
        }
    }

    public MemoryObservation Observe(IReadOnlyCollection<int> runnerPids)
    {
        if (IsBroken)
        {
            LastBrokenAt = trace.Now;
            throw new IOException("the probe is broken, as drawn");
        }

        // As a real probe: what a runner has taken whose pid nobody has told yet is not seen as the models' own.
        var available = scenario.Total - Others;
        var own = ByteSize.Zero;
        foreach (var (pid, runner) in _byPid)
        {
            available -= runner.InUse;
            own += runnerPids.Contains(pid) ? runner.InUse : ByteSize.Zero;
        }

        var usable = ByteSize.Max(ByteSize.Zero, ByteSize.Max(ByteSize.Zero, available) + own - scenario.Reserve);
        usable = ByteSize.Min(usable, scenario.Ceiling);
        LastReadAt = trace.Now;
        _sinceRest.Add(usable);
        _seenSinceRest.Add([.. runnerPids]);
        trace.Add(Happening.MemoryRead, detail: usable.Bytes);
        return new MemoryObservation(scenario.Ceiling, usable);
    }

    // Never more than what it was launched for: what grows is tried in the tests of the ledger.
    public IReadOnlyDictionary<int, FootprintReading> FootprintsOf(IReadOnlyCollection<int> runnerPids) => _byPid
        .Where(entry => runnerPids.Contains(entry.Key))
        .ToDictionary(entry => entry.Key, entry => new FootprintReading(entry.Value.InUse, ByteSize.Zero, entry.Value.InUse));

    // So that nobody waits for the memory of what is gone: it is back at once here, and how the pool waits for it has tests of its own.
    public ByteSize Available() => throw new IOException("nobody tells");

    public string Describe() => "as drawn";

    public MemoryNeeds NeedsOf(ModelSpec model) => scenario.Hazard > 0 && dice.Chance(0.002 * scenario.Hazard)
        ? throw new InvalidDataException("its files cannot be read, as drawn")
        : Array.Find(scenario.Models, m => m.Current.Id == model.Id)!.NeedsOf(model);
}
