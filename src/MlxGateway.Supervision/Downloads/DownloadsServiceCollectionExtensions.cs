using Microsoft.Extensions.DependencyInjection.Extensions;
using MlxGateway.Supervision.Downloads;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the room.</summary>
public static class DownloadsServiceCollectionExtensions
{
    /// <summary>Adds <see cref="IModelDownloads"/>, whose downloads end when the host stops, and <see cref="IModelHub"/>.</summary>
    public static IServiceCollection AddDownloads(this IServiceCollection services, DownloadOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(new HubAccess(options, Environment.GetEnvironmentVariable));
        services.AddSingleton<DownloadProcess>();
        services.AddSingleton<ModelDownloads>();
        services.AddSingleton<IModelDownloads>(static all => all.GetRequiredService<ModelDownloads>());
        services.AddHostedService(static all => all.GetRequiredService<ModelDownloads>());
        services.AddSingleton<HubFit>();
        services.AddSingleton<IModelHub, HubSearch>();
        return services;
    }
}
