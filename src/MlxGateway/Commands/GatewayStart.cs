using MlxGateway.Commands.Calls;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Commands;

/// <summary>Starts a gateway that stays when this program ends.</summary>
internal static class GatewayStart
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private const int LastLines = 10;

    /// <summary>Starts it and returns where it serves as soon as it does.</summary>
    /// <param name="address">Where it will listen by these switches.</param>
    /// <param name="switches">Its switches.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the waiting, and not the gateway.</param>
    /// <exception cref="CommandFailure">It does not start; the message has its last lines.</exception>
    public static async Task<Uri> StartAsync(Uri address, IReadOnlyList<string> switches, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            var (program, before) = ThisProgram.Words();
            var log = Path.Combine(Path.GetFullPath(new ProcessesOptions().StateDirectory), "logs", "started.log");
            await UntilItServesAsync(DetachedProgram.Start(program, [.. before, "serve", .. switches], log), address, time, cancellationToken);
            return address;
        }
        catch (ChildStartException refused)
        {
            throw new CommandFailure(Exits.NoGateway, refused.Message);
        }
    }

    /// <summary>Waits until a gateway that was started serves.</summary>
    /// <exception cref="CommandFailure">It ended, or does not serve within a minute.</exception>
    internal static async Task UntilItServesAsync(DetachedProgram gateway, Uri address, TimeProvider time, CancellationToken cancellationToken)
    {
        using var client = new GatewayClient(address, key: null);
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var glances = new PeriodicTimer(Glance, time);
        try
        {
            while (true)
            {
                // In this order: one that ended because another was a moment quicker to take its port ends after that one serves.
                var hasEnded = gateway.HasEnded;
                if (await IsThereAsync(client, either.Token))
                {
                    return;
                }

                if (hasEnded)
                {
                    break;
                }

                await glances.WaitForNextTickAsync(either.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailure(Exits.NoGateway, $"The gateway that was started (process {gateway.Pid}) does not answer at {GatewayAddress.Shown(address)}. It writes to {gateway.LogFile}.");
        }

        throw new CommandFailure(Exits.NoGateway, $"The gateway did not start: {string.Join(Environment.NewLine, File.ReadLines(gateway.LogFile).TakeLast(LastLines))}");
    }

    private static async Task<bool> IsThereAsync(GatewayClient client, CancellationToken cancellationToken)
    {
        try
        {
            await client.GetAsync("/health", cancellationToken);
            return true;
        }
        catch (CommandFailure)
        {
            return false;
        }
    }
}
