using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Processes;

/// <summary>Registers this room.</summary>
public static class ProcessesServiceCollectionExtensions
{
    /// <summary>Adds <see cref="IChildProcesses"/>, <see cref="PortAllocator"/> and <see cref="StrayProcesses"/>, which clears up when the host starts.</summary>
    public static IServiceCollection AddProcesses(this IServiceCollection services, ProcessesOptions options)
    {
        services.AddLogging();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(_ => ProcessTables.ForThisSystem());
        services.TryAddSingleton(new StateFolder(options));
        services.TryAddSingleton<IChildProcesses>(provider => new ChildProcesses(
            provider.GetRequiredService<StateFolder>(), provider.GetRequiredService<IProcessTable>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILoggerFactory>()));
        services.TryAddSingleton<PortAllocator>();
        services.TryAddSingleton(provider => new StrayProcesses(
            provider.GetRequiredService<StateFolder>(), provider.GetRequiredService<IProcessTable>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<StrayProcesses>>()));
        services.AddHostedService<StrayReaping>();
        return services;
    }
}
