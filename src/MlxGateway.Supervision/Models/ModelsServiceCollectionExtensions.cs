using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Models;

/// <summary>Registers the room.</summary>
public static class ModelsServiceCollectionExtensions
{
    /// <summary>Adds the <see cref="ModelCatalog"/> and its sources, and makes it follow the disk while the host runs. It is empty until <see cref="ModelCatalog.TryAdopt"/> has put settings in force.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<FactsCache>(static _ => new FactsCache());
        services.TryAddSingleton(static all => new ModelCatalog(
            all.GetServices<IModelSource>(), all.GetRequiredService<FactsCache>(), all.GetRequiredService<TimeProvider>(), all.GetRequiredService<ILogger<ModelCatalog>>()));
        services.TryAddSingleton<ModelRemover>();
        services.AddHostedService<CatalogWatch>();
        services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<IModelSource, ConfiguredModels>(),
            ServiceDescriptor.Singleton<IModelSource, HuggingFaceCache>(),
            ServiceDescriptor.Singleton<IModelSource, FolderModels>(),
            ServiceDescriptor.Singleton<IModelSource, LmStudioModels>(),
            ServiceDescriptor.Singleton<IModelSource, OllamaModels>(),
        ]);
        return services;
    }
}
