using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MlxGateway.Supervision.Memory;

/// <summary>Registers the room.</summary>
public static class MemoryServiceCollectionExtensions
{
    /// <summary>Adds the machine's <see cref="IMemoryProbe"/> and the <see cref="IMemoryGauge"/> over it.</summary>
    /// <exception cref="PlatformNotSupportedException">The machine runs neither Linux nor macOS.</exception>
    public static IServiceCollection AddMemory(this IServiceCollection services, MemoryOptions options)
    {
        services.TryAddSingleton(ProbeOfThisMachine());
        services.TryAddSingleton<IMemoryGauge>(provider => new MemoryGauge(provider.GetRequiredService<IMemoryProbe>(), options));
        return services;
    }

    private static IMemoryProbe ProbeOfThisMachine()
    {
        if (OperatingSystem.IsLinux())
        {
            return new LinuxMemoryProbe(new KernelFiles());
        }

        return OperatingSystem.IsMacOS() ? new MacMemoryProbe() : throw new PlatformNotSupportedException("Memory can be read on Linux and on macOS only.");
    }
}
