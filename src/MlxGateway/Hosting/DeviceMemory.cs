using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Hosting;

/// <summary>Hands what the engines were told by their device to the room that counts memory, which sees no engines.</summary>
internal sealed class DeviceMemory : IDeviceMemory
{
    private volatile IReadOnlyList<EngineReport> _reports = [];

    /// <inheritdoc/>
    public ByteSize? RecommendedWorkingSet => _reports.Select(r => r.RecommendedWorkingSet).FirstOrDefault(size => size is not null);

    /// <summary>Notes what the search for engines found.</summary>
    public void Note(IReadOnlyList<EngineReport> reports) => _reports = reports;
}
