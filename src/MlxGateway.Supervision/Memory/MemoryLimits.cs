using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What bounds the memory of this machine's models, each by itself, for a person who wonders why there is so little.</summary>
/// <param name="Machine">What the machine has.</param>
/// <param name="ControlGroup">What the control group of this process may use (containers, systemd); null: no less than all.</param>
/// <param name="Gpu">What the GPU may hold of it (<c>iogpu.wired_limit_mb</c>), where an administrator has set that; null: nobody has.</param>
public sealed record MemoryLimits(ByteSize Machine, ByteSize? ControlGroup, ByteSize? Gpu)
{
    /// <summary>Reads them; null: the system does not say.</summary>
    public static MemoryLimits? Read() => OperatingSystem.IsMacOS() ? OfMac(new MacSystem()) : OperatingSystem.IsLinux() ? OfLinux(new KernelFiles()) : null;

    internal static MemoryLimits? OfLinux(IKernelFiles files)
    {
        if (files.Read("/proc/meminfo") is not { } text || KernelText.Kilobytes(text, "MemTotal") is not { } total)
        {
            return null;
        }

        // Without a limit, version 1 writes a number larger than any machine.
        return new MemoryLimits(total, CgroupLimits.Read(files).Limit is { } limit && limit < total ? limit : null, null);
    }

    internal static MemoryLimits? OfMac(IMacSystem system) => system.Number("hw.memsize") is { } total and > 0
        ? new MemoryLimits(new ByteSize(total), null, system.Number("iogpu.wired_limit_mb") is { } wired and > 0 and < (1L << 40) ? new ByteSize(wired << 20) : null)
        : null;
}
