using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Hosting;

/// <summary>Hands what the engines said of their versions to the room that counts memory, which sees no engines.</summary>
internal sealed class EngineVersions : IEngineVersions
{
    private volatile IReadOnlyList<EngineReport> _reports = [];

    /// <inheritdoc/>
    public string? VersionOf(string kind) => _reports.FirstOrDefault(report => report.Engine == kind)?.Version;

    /// <summary>Notes what the search for engines found.</summary>
    public void Note(IReadOnlyList<EngineReport> reports) => _reports = reports;
}
