using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Memory;

/// <summary>Registers the room.</summary>
public static class MemoryServiceCollectionExtensions
{
    /// <summary>Adds the machine's <see cref="IMemoryProbe"/> and the <see cref="IMemoryGauge"/> over it. On a Mac an <see cref="IDeviceMemory"/> is used if there is one.</summary>
    /// <exception cref="PlatformNotSupportedException">The machine runs neither Linux nor macOS.</exception>
    public static IServiceCollection AddMemory(this IServiceCollection services, MemoryOptions options)
    {
        AddProbeOfThisMachine(services);
        services.TryAddSingleton<IMemoryGauge>(provider => new MemoryGauge(provider.GetRequiredService<IMemoryProbe>(), options, provider.GetService<IObservedFootprints>()));
        return services;
    }

    /// <summary>Adds <see cref="IObservedFootprints"/> and <see cref="IFootprintRecords"/>, kept in <c>footprints.json</c>. An <see cref="IEngineVersions"/> is used if there is one.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="folder">The folder of what the gateways of this user remember. Made when there is something to keep.</param>
    public static IServiceCollection AddObservedFootprints(this IServiceCollection services, string folder)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider => new ObservedFootprints(
            new FootprintFile(Path.Combine(Path.GetFullPath(folder), "footprints.json")),
            provider.GetService<IEngineVersions>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ObservedFootprints>>()));
        services.TryAddSingleton<IFootprintRecords>(provider => provider.GetRequiredService<ObservedFootprints>());
        services.TryAddSingleton<IObservedFootprints>(provider => provider.GetRequiredService<ObservedFootprints>());
        return services;
    }

    private static void AddProbeOfThisMachine(IServiceCollection services)
    {
        if (OperatingSystem.IsLinux())
        {
            services.TryAddSingleton<IMemoryProbe>(new LinuxMemoryProbe(new KernelFiles()));
        }
        else if (OperatingSystem.IsMacOS())
        {
            services.TryAddSingleton<IMemoryProbe>(provider =>
                new MacMemoryProbe(new MacSystem(), provider.GetService<IDeviceMemory>(), provider.GetRequiredService<ILogger<MacMemoryProbe>>()));
        }
        else
        {
            throw new PlatformNotSupportedException("Memory can be read on Linux and on macOS only.");
        }
    }
}
