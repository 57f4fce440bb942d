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

    /// <summary>The path of the interpreter.</summary>
    /// <exception cref="LaunchFailedException">There is none; the message names the command that installs it.</exception>
    public async ValueTask<string> RequireAsync(CancellationToken cancellationToken) => (await FindAsync(cancellationToken)).Require("Python with mlx_vlm");
}
