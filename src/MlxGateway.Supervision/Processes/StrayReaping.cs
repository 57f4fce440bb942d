using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Processes;

/// <summary>Clears up before anything is launched: what an earlier gateway left holds memory that the first launch needs.</summary>
internal sealed partial class StrayReaping(StrayProcesses strays, ILogger<StrayReaping> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await strays.ReapAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Log.Failed(logger, e);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(2051, LogLevel.Warning, "Looking for runners that an earlier gateway left behind failed; the gateway starts all the same.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
