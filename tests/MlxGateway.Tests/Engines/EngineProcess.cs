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
    public static async Task RestsAsync(int pid, TimeSpan within)
    {
        var since = Stopwatch.StartNew();
        using var glances = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        var before = CpuTicks(pid);
        while (true)
        {
            await glances.WaitForNextTickAsync(Demo.Patience());
            var now = CpuTicks(pid);
            if (now - before < 5)
            {
                return;
            }

            Assert.True(since.Elapsed < within, $"The engine still works after {within.TotalSeconds:0} s.");
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
