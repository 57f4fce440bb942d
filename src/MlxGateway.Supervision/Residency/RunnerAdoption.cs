using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>Takes over what the gateway before has kept. It starts behind the pool and before the server, so that the first request finds it ready.</summary>
internal sealed partial class RunnerAdoption(IRunnerLauncher launcher, ModelCatalog catalog, ModelPool pool, ILogger<RunnerAdoption> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Those that are never evicted first, and then those that would leave last: there may not be room for all any more.
            foreach (var adopted in (await launcher.AdoptAsync(catalog.Current, cancellationToken)).OrderByDescending(a => a.Model.Pinned).ThenByDescending(a => a.Model.Priority))
            {
                await AdoptAsync(adopted);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Log.Failed(logger, e);
        }
    }

    private async Task AdoptAsync(AdoptedRunner adopted)
    {
        try
        {
            pool.Adopt(adopted);
        }
        catch (Exception e)
        {
            // Nobody would know of it: it must not hold its memory for nothing.
            Log.Failed(logger, e);
            await adopted.Runner.StopAsync();
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(3031, LogLevel.Warning, "Taking over the runners that an earlier gateway kept failed; the gateway starts all the same.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
