using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Finds the Python that has <c>mlx_lm</c>.</summary>
internal sealed class MlxLmEngine(EngineOptions options, PythonSearch search) : IEngine
{
    /// <inheritdoc/>
    public string Name => KindNames.MlxLm;

    /// <inheritdoc/>
    public Task<EngineReport> FindAsync(CancellationToken cancellationToken) =>
        search.FindAsync(Name, script: "mlx_lm.server", options.MlxLm.Python, cancellationToken);

    /// <summary>Whether a process is kept that takes the next model.</summary>
    public bool KeepsSpare => options.MlxLm.Spare;

    /// <summary>The path of the interpreter.</summary>
    /// <exception cref="LaunchFailedException">There is none; the message names the command that installs it.</exception>
    public async ValueTask<string> RequireAsync(CancellationToken cancellationToken) => (await RequireReportAsync(cancellationToken)).Path!;

    /// <summary>What was found; there is an interpreter.</summary>
    /// <exception cref="LaunchFailedException">There is none; the message names the command that installs it.</exception>
    public async ValueTask<EngineReport> RequireReportAsync(CancellationToken cancellationToken)
    {
        var report = await FindAsync(cancellationToken);
        report.Require("Python with mlx_lm");
        return report;
    }
}
