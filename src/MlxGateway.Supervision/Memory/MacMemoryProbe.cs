using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>macOS: <c>hw.memsize</c>, the pages that the kernel can give, and the physical footprint of processes.</summary>
[SupportedOSPlatform("macos")]
internal sealed class MacMemoryProbe : IMemoryProbe
{
    private const int MostProcesses = 8192;

    /// <inheritdoc/>
    /// <exception cref="IOException">The system did not answer.</exception>
    public MemoryReading Read()
    {
        nuint length = sizeof(ulong);
        Check(MacCalls.SysctlByName("hw.memsize", out var total, ref length, 0, 0), "sysctl hw.memsize");

        Span<int> statistics = stackalloc int[MacLayouts.VmStatistics64Count];
        var count = (uint)statistics.Length;
        Check(MacCalls.HostStatistics64(MacCalls.MachHostSelf(), MacCalls.HostVmInfo64, statistics, ref count), "host_statistics64");

        var all = new ByteSize((long)total);
        return new MemoryReading(all, ByteSize.Min(MacLayouts.Available(statistics, Environment.SystemPageSize), all), "hw.memsize");
    }

    /// <inheritdoc/>
    public ByteSize FootprintOf(int pid)
    {
        var members = new HashSet<int>();
        var next = new Stack<int>([.. List(MacCalls.PidsOfGroup, pid), pid]);
        while (next.TryPop(out var member))
        {
            if (members.Add(member))
            {
                foreach (var child in List(MacCalls.PidsOfParent, member))
                {
                    next.Push(child);
                }
            }
        }

        return members.Aggregate(ByteSize.Zero, (sum, member) => sum + Footprint(member));
    }

    private static ByteSize Footprint(int pid)
    {
        Span<byte> usage = stackalloc byte[MacLayouts.RusageInfoV0Size];
        return MacCalls.ProcPidRusage(pid, MacCalls.RusageInfoV0, usage) == 0 ? MacLayouts.Footprint(usage) : ByteSize.Zero; // it is gone
    }

    private static int[] List(uint type, int id)
    {
        var pids = new int[MostProcesses];
        var bytes = MacCalls.ProcListPids(type, (uint)id, pids, pids.Length * sizeof(int));
        return [.. pids.Take(Math.Max(0, bytes) / sizeof(int)).Where(found => found > 0)];
    }

    private static void Check(int result, string call)
    {
        if (result != 0)
        {
            throw new IOException($"{call} failed: {result} (errno {Marshal.GetLastSystemError()}).");
        }
    }
}
