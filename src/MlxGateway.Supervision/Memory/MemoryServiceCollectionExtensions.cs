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
