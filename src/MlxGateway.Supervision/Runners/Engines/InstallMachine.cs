using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>What an engine may compute on.</summary>
internal enum Accelerator
{
    /// <summary>Nothing but the processor, as far as can be seen; on a Mac, what the Mac has.</summary>
    None,

    /// <summary>An Nvidia card whose driver knows CUDA 12.</summary>
    Cuda12,

    /// <summary>An Nvidia card whose driver knows CUDA 13.</summary>
    Cuda13,

    /// <summary>An AMD card with the driver of ROCm.</summary>
    Rocm,

    /// <summary>Another graphics card, which Vulkan may reach.</summary>
    Vulkan,
}

/// <summary>What of a machine decides how an engine is installed on it.</summary>
/// <param name="IsMac">Whether it runs macOS, and Linux otherwise.</param>
/// <param name="IsArm">Whether its processor is an ARM: on a Mac, Apple silicon.</param>
/// <param name="Accelerator">What it has beside the processor.</param>
/// <param name="Installers">The programs that are there to install with: some of <see cref="Known"/>.</param>
internal sealed partial record InstallMachine(bool IsMac, bool IsArm, Accelerator Accelerator, IReadOnlySet<string> Installers)
{
    /// <summary>The installers that are looked for.</summary>
    public static IReadOnlyList<string> Known { get; } = ["uv", "pipx", "brew", "nix", "conda", "port"];

    /// <summary>This machine, as it is now. Reads a few small files and starts nothing.</summary>
    public static InstallMachine Here() => new(
        OperatingSystem.IsMacOS(),
        RuntimeInformation.OSArchitecture == Architecture.Arm64,
        OperatingSystem.IsMacOS() ? Accelerator.None : AcceleratorOf(TextOf("/proc/driver/nvidia/version"), File.Exists("/usr/lib/wsl/lib/libcuda.so.1"), File.Exists("/dev/kfd"), File.Exists("/dev/dri/renderD128")),
        Known.Where(static name => ExecutablePlaces.Of(name).Any()).ToHashSet(StringComparer.Ordinal));

    /// <summary>What a Linux machine has, by what its drivers leave in the file system.</summary>
    /// <param name="nvidia">What Nvidia's driver says of its version; null: it is not there.</param>
    /// <param name="isWindowsBelow">Whether Windows lends its Nvidia driver, without saying its version.</param>
    /// <param name="hasKfd">Whether AMD's driver for computing is there.</param>
    /// <param name="hasRenderer">Whether any graphics card is there.</param>
    internal static Accelerator AcceleratorOf(string? nvidia, bool isWindowsBelow, bool hasKfd, bool hasRenderer) =>
        DriverVersion().Match(nvidia ?? "") is { Success: true } driver && int.Parse(driver.Groups[1].ValueSpan, CultureInfo.InvariantCulture) is >= 550 and var major ? (major >= 580 ? Accelerator.Cuda13 : Accelerator.Cuda12)
        : isWindowsBelow ? Accelerator.Cuda12
        : hasKfd ? Accelerator.Rocm
        : hasRenderer ? Accelerator.Vulkan
        : Accelerator.None;

    private static string? TextOf(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun …", or with "Open Kernel Module for x86_64".
    [GeneratedRegex(@"NVRM version:.*?\s(\d{3,4})\.\d+")]
    private static partial Regex DriverVersion();
}
