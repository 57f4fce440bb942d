using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>The demonstration runner that is shipped beside the gateway. It is no language model and says so.</summary>
internal sealed class Demo : IRunnerKind
{
    private static readonly string Executable = System.IO.Path.Combine(AppContext.BaseDirectory, "MlxGateway.DemoRunner");

    /// <inheritdoc/>
    public string Name => "demo";

    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model) => new(model.UpstreamModel ?? model.Id, ReusesConnections: true);

    /// <inheritdoc/>
    public ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken) => ValueTask.FromResult(new LaunchPlan
    {
        Executable = Executable,
        Arguments = ["--port", port.ToString(CultureInfo.InvariantCulture), "--model", model.Id, .. model.Args],
        ReadyPaths = ["/v1/models", "/health"],
    });
}
