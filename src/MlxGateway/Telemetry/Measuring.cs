using MlxGateway.Telemetry.Exposition;

namespace MlxGateway.Telemetry;

/// <summary>Begins to measure before anything can happen that is to be measured. Among the first of what is started with the host.</summary>
internal sealed class Measuring(IServiceProvider services) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        services.GetService<MetricStore>()?.Start();
        services.GetRequiredService<StateMeasures>();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
