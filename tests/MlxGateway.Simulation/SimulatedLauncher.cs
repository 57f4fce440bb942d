using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Simulation;

/// <summary>Launches simulated runners, and now and then throws before there is one.</summary>
internal sealed class SimulatedLauncher(World world) : IRunnerLauncher
{
    public Task<IRunner> LaunchAsync(ModelSpec model, LaunchShape shape, int launch, CancellationToken cancellationToken)
    {
        var runner = new SimulatedRunner(world, world.ModelOf(model.Id), model, shape, launch, cancellationToken);
        world.Referee.Launching(runner);
        runner.Begin();
        return runner.Launched;
    }
}
