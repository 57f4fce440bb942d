using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>Registers this room.</summary>
public static class ResidencyServiceCollectionExtensions
{
    /// <summary>Adds <see cref="IModelPool"/>. It needs an <see cref="IRunnerLauncher"/>, an <see cref="IMemoryGauge"/> and logging, tells an <see cref="IFootprintRecords"/> if there is one, and starts and stops with the host.</summary>
    public static IServiceCollection AddResidency(this IServiceCollection services, ResidencyOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new ModelPool(
            options,
            provider.GetRequiredService<IRunnerLauncher>(),
            provider.GetRequiredService<IReadAhead>(),
            provider.GetRequiredService<IMemoryGauge>(),
            provider.GetService<IFootprintRecords>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ModelPool>>()));
        services.AddSingleton<IModelPool>(provider => provider.GetRequiredService<ModelPool>());
        services.AddHostedService(provider => provider.GetRequiredService<ModelPool>());
        return services;
    }

    /// <summary>Takes over, at the start, the runners that an earlier gateway kept. Behind <see cref="AddResidency"/>; it needs the <see cref="ModelCatalog"/>, with the models in force.</summary>
    public static IServiceCollection AddRunnerAdoption(this IServiceCollection services) => services.AddHostedService<RunnerAdoption>();
}
