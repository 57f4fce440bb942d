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
    /// <param name="within">For how long it may work until then, in time of the processor: how long a busy machine keeps it waiting for that is not its doing.</param>
    public static async Task RestsAsync(int pid, TimeSpan within)
    {
        using var glances = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var began = CpuTicks(pid);
        var before = began;
        while (true)
        {
            await glances.WaitForNextTickAsync(Demo.Patience());
            var now = CpuTicks(pid);
            if (now - before < 5)
            {
                return;
            }

            Assert.True(now - began < 100 * within.TotalSeconds, $"The engine still works after {(now - began) / 100} s of the processor.");
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
