using Microsoft.Extensions.DependencyInjection.Extensions;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Runners.Kinds;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the room of the runners.</summary>
public static class RunnersServiceCollectionExtensions
{
    /// <summary>Registers every kind of runner and what launches them.</summary>
    public static IServiceCollection AddRunners(this IServiceCollection services, EngineOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<RunnerKinds>();
        services.AddSingleton<Readiness>();
        services.AddSingleton<KeptRunners>();
        services.AddSingleton<RunnerOutputs>();
        services.AddSingleton<EngineProbe>();
        services.AddSingleton<PythonProbes>();
        services.AddSingleton<PythonSearch>();
        services.AddSingleton<HubPython>();
        services.AddSingleton<MlxLmEngine>();
        services.AddSingleton<MlxVlmEngine>();
        services.AddSingleton<MlcLlmEngine>();
        services.AddSingleton<LlamaServerEngine>();
        services.AddSingleton<IEngine>(static all => all.GetRequiredService<MlxLmEngine>());
        services.AddSingleton<IEngine>(static all => all.GetRequiredService<MlxVlmEngine>());
        services.AddSingleton<IEngine>(static all => all.GetRequiredService<MlcLlmEngine>());
        services.AddSingleton<IEngine>(static all => all.GetRequiredService<LlamaServerEngine>());
        services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<IRunnerKind, MlxLm>(),
            ServiceDescriptor.Singleton<IRunnerKind, MlxVlm>(),
            ServiceDescriptor.Singleton<IRunnerKind, MlcLlm>(),
            ServiceDescriptor.Singleton<IRunnerKind, LlamaServer>(),
            ServiceDescriptor.Singleton<IRunnerKind, Command>(),
            ServiceDescriptor.Singleton<IRunnerKind, Demo>(),
        ]);
        services.AddSingleton<IRunnerLauncher, RunnerLauncher>();
        services.AddSingleton<IReadAhead, WeightReadAhead>();
        services.AddSingleton<SpareCompanion>();
        services.AddSingleton<ISpareRunners>(static all => all.GetRequiredService<SpareCompanion>());
        return services;
    }
}
