using MlxGateway.Telemetry.Exposition;
using OpenTelemetry.Metrics;

namespace MlxGateway.Telemetry;

/// <summary>Begins to measure before anything can happen that is to be measured: it is among the first that are started with the host. It is therefore among the last that are stopped.</summary>
internal sealed class Measuring(IServiceProvider services) : IHostedService
{
    // As long as an exit may be held up by a collector that does not answer.
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(2);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        services.GetService<MetricStore>()?.Start();
        services.GetRequiredService<StateMeasures>();
        return Task.CompletedTask;
    }

    /// <summary>Sends the last figures, while those who can say how things stand are still there.</summary>
    public Task StopAsync(CancellationToken cancellationToken) =>
        services.GetService<MeterProvider>() is { } exported ? Task.Run(() => exported.ForceFlush((int)LongestGoodbye.TotalMilliseconds), cancellationToken) : Task.CompletedTask;
}
