using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MlxGateway.Supervision.Models;

/// <summary>Registers the room.</summary>
public static class ModelsServiceCollectionExtensions
{
    /// <summary>Adds the <see cref="ModelCatalog"/> and its sources. It is empty until <see cref="ModelCatalog.TryAdopt"/> has put settings in force.</summary>
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ModelCatalog>();
        services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<IModelSource, ConfiguredModels>(),
            ServiceDescriptor.Singleton<IModelSource, FolderModels>(),
            ServiceDescriptor.Singleton<IModelSource, HuggingFaceCache>(),
        ]);
        return services;
    }
}
