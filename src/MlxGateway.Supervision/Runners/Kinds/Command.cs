using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>Any program that serves the OpenAI API on a port it is given.</summary>
internal sealed class Command : IRunnerKind
{
    /// <inheritdoc/>
    public string Name => "command";

    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model) => new(model.UpstreamModel ?? model.Id, ReusesConnections: true);

    /// <inheritdoc/>
    public ValueTask<LaunchPlan> PlanAsync(ModelSpec model, int port, CancellationToken cancellationToken)
    {
        // Replaced inside each argument, which stays one argument: nothing of it is ever read by a shell.
        string Fill(string argument) => argument
            .Replace("{port}", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{source}", model.Source ?? "", StringComparison.Ordinal)
            .Replace("{path}", model.Path ?? model.Source ?? "", StringComparison.Ordinal)
            .Replace("{model}", model.Id, StringComparison.Ordinal);

        return ValueTask.FromResult(new LaunchPlan
        {
            Executable = Fill(model.Command[0]),
            Arguments = [.. model.Command.Skip(1).Select(Fill), .. model.Args.Select(Fill)],
            ReadyPaths = [model.ReadyPath],
        });
    }
}
