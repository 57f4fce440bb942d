using MlxGateway.Mcp.Stdio;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Hosting;

/// <summary>Starts a gateway for a program that needs one and finds none.</summary>
internal static class GatewayLaunch
{
    // It asks every Python of the machine what it has before it serves.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);

    /// <summary>Relays between an agent and the gateway that is configured so, or starts one.</summary>
    /// <param name="configuration">The configuration.</param>
    /// <param name="switches">The switches that it was read with.</param>
    public static Task<int> RelayAsync(this GatewayConfiguration configuration, string[] switches)
    {
        var home = configuration.Addresses[0].ForClients;
        return McpStdio.RunAsync(home, Environment.GetEnvironmentVariable("MLXGATEWAY_API_KEY"), enough => StartAsync(home, switches, TimeProvider.System, enough), CancellationToken.None);
    }

    /// <summary>Starts a gateway that stays when this process goes, and returns when it serves.</summary>
    /// <param name="address">Where it will listen.</param>
    /// <param name="switches">The switches of its command line.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait, not the gateway.</param>
    /// <returns>The address.</returns>
    /// <exception cref="InvalidOperationException">It did not start. The message says where it wrote why.</exception>
    public static async Task<Uri> StartAsync(Uri address, IReadOnlyList<string> switches, TimeProvider time, CancellationToken cancellationToken)
    {
        var log = Path.Combine(new ProcessesOptions().StateDirectory, "logs", "started-by-agent.log");
        OwnProgram.Start(switches, log);
        var begun = time.GetTimestamp();
        using var client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(2) };
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri("/health", UriKind.Relative), cancellationToken);
                return address;
            }
            catch (Exception none) when (none is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                if (time.GetElapsedTime(begun) > Patience)
                {
                    throw new InvalidOperationException($"A gateway was started and does not answer at {address}. What it wrote is in {log}.", none);
                }
            }

            await Task.Delay(Glance, time, cancellationToken);
        }
    }
}
