using System.Text;

namespace MlxGateway.Supervision.Memory;

/// <summary>The real one. Thin: what the answers mean is in <see cref="MacLayouts"/>.</summary>
internal sealed class MacSystem : IMacSystem
{
    private const int MostProcesses = 8192;
    private const int LongestOutput = 64 << 10;
    private readonly Lazy<uint> _host = new(MacCalls.MachHostSelf);

    /// <inheritdoc/>
    public long? Number(string name)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        var length = (nuint)value.Length;
        return MacCalls.SysctlByName(name, value, ref length, 0, 0) == 0 ? MacLayouts.Number(value[..(int)length]) : null;
    }

    /// <inheritdoc/>
    public MacPages? Pages()
    {
        Span<int> statistics = stackalloc int[MacLayouts.VmStatistics64Count];
        var count = (uint)statistics.Length;
        return MacCalls.HostPageSize(_host.Value, out var pageSize) == 0 && MacCalls.HostStatistics64(_host.Value, MacCalls.HostVmInfo64, statistics, ref count) == 0
            ? MacLayouts.Pages(statistics[..(int)Math.Min(count, (uint)statistics.Length)], (long)pageSize)
            : null;
    }

    /// <inheritdoc/>
    public MacUsage? Usage(int pid)
    {
        Span<byte> usage = stackalloc byte[MacLayouts.RusageInfoV4Size];
        return MacCalls.ProcPidRusage(pid, MacCalls.RusageInfoV4, usage) == 0 ? MacLayouts.Usage(usage) : null;
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Group(int leader) => List(MacCalls.PidsOfGroup, leader);

    /// <inheritdoc/>
    public IReadOnlyList<int> Children(int pid) => List(MacCalls.PidsOfParent, pid);

    /// <inheritdoc/>
    public string? Output(string commandLine)
    {
        var stream = MacCalls.OpenOutput(commandLine, "r");
        if (stream == 0)
        {
            return null;
        }

        var buffer = new byte[LongestOutput];
        var length = (int)MacCalls.Read(buffer, 1, (nuint)buffer.Length, stream);
        return MacCalls.CloseOutput(stream) == 0 ? Encoding.UTF8.GetString(buffer, 0, length) : null;
    }

    private static int[] List(uint type, int id)
    {
        var pids = new int[MostProcesses];
        var bytes = MacCalls.ProcListPids(type, (uint)id, pids, pids.Length * sizeof(int));
        return [.. pids.Take(Math.Max(0, bytes) / sizeof(int)).Where(found => found > 0)];
    }
}
