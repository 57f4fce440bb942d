using System.Diagnostics;
using System.Globalization;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>Looks at an engine's process from outside.</summary>
internal static class EngineProcess
{
    /// <summary>The processor time that it has used, in hundredths of a second.</summary>
    public static long CpuTicks(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    /// <summary>Waits until it has worked for a while.</summary>
    public static async Task WorksAsync(int pid)
    {
        var before = CpuTicks(pid);
        await Gateway.UntilAsync(() => CpuTicks(pid) > before + 10);
    }

    /// <summary>Waits until it is at rest: less than a tenth of one core over half a second.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="within">
    /// For how long it may work until then on all cores at once, as an engine does: counted in time of the processors, because how long a busy machine keeps it waiting is not
    /// its doing. On two cores 3 s are 6 s of processors; an engine that looks for its client once a second (llama-server) would else be over the bound on any machine with four.
    /// </param>
    public static async Task RestsAsync(int pid, TimeSpan within)
    {
        using var glances = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var began = CpuTicks(pid);
        var before = began;
        var most = 100 * within.TotalSeconds * Environment.ProcessorCount;
        while (true)
        {
            await glances.WaitForNextTickAsync(Demo.Patience());
            var now = CpuTicks(pid);
            if (now - before < 5)
            {
                return;
            }

            Assert.True(now - began < most, $"The engine still works after {(now - began) / 100.0:F1} s of {Environment.ProcessorCount} processors.");
            before = now;
        }
    }

    /// <summary>Sends it a signal.</summary>
    public static void Signal(string name, int pid)
    {
        using var kill = Process.Start("kill", [$"-{name}", pid.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
