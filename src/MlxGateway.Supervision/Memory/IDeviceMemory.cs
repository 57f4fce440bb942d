using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>How much of a Mac's memory its GPU may hold at once. An engine knows it; without one, all of the memory counts.</summary>
public interface IDeviceMemory
{
    /// <summary>Metal's recommended working set; null while nobody has asked an engine. May change at any time.</summary>
    ByteSize? RecommendedWorkingSet { get; }
}
