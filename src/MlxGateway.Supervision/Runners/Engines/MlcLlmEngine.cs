using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Finds the Python that has <c>mlc_llm</c>.</summary>
internal sealed class MlcLlmEngine(EngineOptions options, PythonSearch search) : IEngine
{
    /// <inheritdoc/>
    public string Name => KindNames.MlcLlm;

    /// <inheritdoc/>
    public Task<EngineReport> FindAsync(CancellationToken cancellationToken) =>
        search.FindAsync(Name, script: "mlc_llm", options.MlcLlm.Python, cancellationToken);

    /// <summary>The path of the interpreter.</summary>
    /// <exception cref="LaunchFailedException">There is none; the message names the command that installs it.</exception>
    public async ValueTask<string> RequireAsync(CancellationToken cancellationToken) => (await FindAsync(cancellationToken)).Require("Python with mlc_llm");
}
