using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What the machine has, read at one moment.</summary>
/// <param name="Total">All the memory that this process could ever get: the machine's, or its container's limit.</param>
/// <param name="Available">What could be had now without swapping.</param>
/// <param name="Source">Where <paramref name="Total"/> comes from, in words for a person: <c>/proc/meminfo</c>, <c>the cgroup limit</c>.</param>
public sealed record MemoryReading(ByteSize Total, ByteSize Available, string Source);

/// <summary>What the models may use, worked out from one reading.</summary>
/// <param name="Ceiling">The most that they could ever use together: min(budget, total) − reserve.</param>
/// <param name="Usable">The most that they may use together now: min(budget, available + own use) − reserve. Never above <paramref name="Ceiling"/>.</param>
public readonly record struct MemoryObservation(ByteSize Ceiling, ByteSize Usable);

/// <summary>What the host has, and what a process tree takes from it.</summary>
public interface IMemoryProbe
{
    /// <summary>Reads the host's memory now. Cheap enough to be asked once a second.</summary>
    MemoryReading Read();

    /// <summary>What would become available again if the processes and their descendants were gone: private memory, not the file pages they map.</summary>
    /// <param name="pids">The leaders of process groups.</param>
    ByteSize FootprintOf(IReadOnlyCollection<int> pids);

    /// <summary>What each of the processes takes together with its descendants. One that is gone is not in it.</summary>
    /// <param name="pids">The leaders of process groups.</param>
    IReadOnlyDictionary<int, FootprintReading> ReadingsOf(IReadOnlyCollection<int> pids);

    /// <summary>How many processes the system has killed so far for want of memory; null: it does not count them.</summary>
    long? MemoryKills() => null;
}

/// <summary>Turns readings into what models may use, by the configured budget and reserve.</summary>
public interface IMemoryGauge
{
    /// <summary>Reads the host and the given runners now.</summary>
    /// <param name="runnerPids">The process ids of all live runners.</param>
    MemoryObservation Observe(IReadOnlyCollection<int> runnerPids);

    /// <summary>What each of the given runners takes now. One that is gone is not in it.</summary>
    /// <param name="runnerPids">The process ids of live runners.</param>
    IReadOnlyDictionary<int, FootprintReading> FootprintsOf(IReadOnlyCollection<int> runnerPids);

    /// <summary>What models may use and where that number comes from, in words for a person.</summary>
    string Describe();

    /// <summary>How many processes the system has killed so far for want of memory; null: it does not count them.</summary>
    long? MemoryKills() => null;

    /// <summary>What a model needs in memory, for each way in which it may be launched.</summary>
    MemoryNeeds NeedsOf(ModelSpec model);
}
