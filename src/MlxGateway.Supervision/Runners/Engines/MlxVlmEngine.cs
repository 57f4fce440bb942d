using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Finds the Python that has <c>mlx_vlm</c>.</summary>
internal sealed class MlxVlmEngine(EngineOptions options, PythonSearch search) : IEngine
{
    /// <inheritdoc/>
    public string Name => KindNames.MlxVlm;

    /// <inheritdoc/>
    public Task<EngineReport> FindAsync(CancellationToken cancellationToken) =>
        search.FindAsync(Name, script: "mlx_vlm.server", options.MlxVlm.Python, cancellationToken);

    /// <summary>What was found.</summary>
    /// <exception cref="LaunchFailedException">There is none; the message names the command that installs it.</exception>
    public async ValueTask<EngineReport> RequireReportAsync(CancellationToken cancellationToken)
    {
        var report = await FindAsync(cancellationToken);
        _ = report.Require("Python with mlx_vlm");
        return report;
    }
}
