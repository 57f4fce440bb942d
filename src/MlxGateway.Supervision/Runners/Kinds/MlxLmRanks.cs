using System.Globalization;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>
/// One model as several ranks, through <c>mlx.launch</c>: each rank is the companion, and rank 0, which is on this machine, listens. The launcher is hosted too
/// (<c>mlx_launch_companion.py</c>), because by itself it hides how its ranks ended.
/// </summary>
internal static class MlxLmRanks
{
    // Below every system's own ports for outgoing connections, and below the runners'. Each launch has its own, since ranks of an ended one on another machine may still hold theirs.
    private const int FirstPort = 12_000;
    private const int PortsOfALaunch = 64;
    private const int Launches = 124;

    private static readonly string Launcher = Path.Combine(AppContext.BaseDirectory, "mlx_launch_companion.py");

    /// <summary>What to start.</summary>
    /// <param name="found">The Python of this machine, which runs the launcher.</param>
    /// <param name="companion">The program of the ranks.</param>
    /// <param name="distributed">The hosts.</param>
    /// <param name="port">Where rank 0 is to listen.</param>
    /// <param name="arguments">What each rank is told, as if it were alone.</param>
    /// <exception cref="LaunchFailedException">The first host is not this machine.</exception>
    public static LaunchPlan PlanOf(EngineReport found, string companion, DistributedSpec distributed, int port, IReadOnlyList<string> arguments)
    {
        if (!ThisMachine.Is(distributed.Hosts[0]))
        {
            throw new LaunchFailedException(
                $"The first host of {distributed.Hostfile ?? "\"Distributed:Hosts\""}, \"{distributed.Hosts[0].Name}\", is not this machine, and the first rank must be here because it serves the others' answers; put this machine first.");
        }

        var environment = MlxEnvironment.Offline();
        return new LaunchPlan
        {
            Executable = found.Path!,
            Arguments =
            [
                Launcher,
                "--gateway-program", companion,
                "--gateway-local", string.Join(',', distributed.LocalRanks),
                .. HostsOf(distributed),
                "--backend", distributed.Backend,
                .. PortsOf(distributed, port),
                .. environment.Concat(distributed.Env.Entries.Select(e => KeyValuePair.Create(e.Key, RunnerEnvironment.Expand(e.Value)))).SelectMany(e => new[] { "--env", $"{e.Key}={e.Value}" }),
                "--", distributed.Python ?? found.Path!,
                "--gateway-ranks", Number(distributed.Ranks),
                .. arguments,
                .. distributed.Pipeline ? (string[])["--pipeline"] : [],
            ],
            Environment = environment,
            ReadyPaths = ["/v1/models", "/gateway/ready"],

            // Rank 0 has its part; that all have theirs and reach each other shows in an answer.
            Proof = ReadyProbe.OneToken("default_model"),

            // Not a token: a request beside the one that is being served is what ranks lose step over.
            Question = new ReadyProbe(HttpMethod.Post, "/gateway/alive", "{}"),
            WaitsBusily = true,
        };
    }

    private static string[] HostsOf(DistributedSpec distributed) => distributed.Hostfile is { } file
        ? ["--hostfile", file]
        : ["--hosts", string.Join(',', distributed.Hosts.Where((_, rank) => rank % distributed.RepeatHosts == 0).Select(host => host.Name)), "--repeat-hosts", Number(distributed.RepeatHosts)];

    private static IEnumerable<string> PortsOf(DistributedSpec distributed, int port)
    {
        var first = Number(distributed.StartingPort ?? FirstPort + (port % Launches * PortsOfALaunch));
        return distributed.Backend == DistributedBackends.Nccl ? ["--nccl-port", first] : ["--starting-port", first];
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
