using System.Globalization;

namespace MlxGateway.Benchmarks;

/// <summary>What a process has in memory, as Linux tells it, in megabytes of 2²⁰ bytes.</summary>
internal static class ProcessMemory
{
    /// <summary>Its pages that are in memory.</summary>
    public static double Resident(int pid) => Field($"/proc/{pid}/status", "VmRSS:");

    /// <summary>The most that it had in memory since <see cref="ForgetPeak"/>.</summary>
    public static double Peak(int pid) => Field($"/proc/{pid}/status", "VmHWM:");

    /// <summary>Its share: pages that several processes map count in parts.</summary>
    public static double Proportional(int pid) => Field($"/proc/{pid}/smaps_rollup", "Pss:");

    /// <summary>Lets the peak begin anew.</summary>
    public static void ForgetPeak(int pid) => File.WriteAllText($"/proc/{pid}/clear_refs", "5");

    private static double Field(string file, string name)
    {
        var line = File.ReadLines(file).First(l => l.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024.0;
    }
}
