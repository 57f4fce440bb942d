using System.Globalization;
using System.Text.RegularExpressions;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>Any program that serves the OpenAI API on a port it is given.</summary>
internal sealed partial class Command : IRunnerKind
{
    /// <inheritdoc/>
    public string Name => "command";

    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model) => new(model.UpstreamModel ?? model.Id, ReusesConnections: true);

    /// <inheritdoc/>
    public ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken)
    {
        // Replaced inside each argument, which stays one argument: nothing of it is ever read by a shell. In one pass, so that a value is never filled itself.
        string Fill(string argument) => Placeholder().Replace(argument, m => m.Value switch
        {
            "{port}" => port.ToString(CultureInfo.InvariantCulture),
            "{source}" => model.Source ?? "",
            "{path}" => model.Path ?? model.Source ?? "",
            _ => model.Id,
        });

        return ValueTask.FromResult(new LaunchPlan
        {
            Executable = Fill(model.Command[0]),
            Arguments = [.. model.Command.Skip(1).Select(Fill), .. model.Args.Select(Fill)],
            ReadyPaths = [model.ReadyPath],
        });
    }

    [GeneratedRegex(@"\{(port|source|path|model)\}")]
    private static partial Regex Placeholder();
}
