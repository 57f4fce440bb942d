using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Linux: <c>/proc/meminfo</c> and the control group's limits, whichever is tighter.</summary>
internal sealed class LinuxMemoryProbe(IKernelFiles files) : IMemoryProbe
{
    /// <inheritdoc/>
    public MemoryReading Read()
    {
        var machine = Machine();
        var group = CgroupLimits.Read(files);
        var available = ByteSize.Min(machine.Available, group.Available ?? machine.Available);

        // Without a limit, version 1 writes a number larger than any machine.
        return group.Limit is { } limit && limit < machine.Total
            ? new MemoryReading(limit, ByteSize.Min(available, limit), "the cgroup limit")
            : machine with { Available = available };
    }

    /// <inheritdoc/>
    public ByteSize FootprintOf(int pid)
    {
        var places = files.Processes().Select(process => ProcessPlace.Parse(process, files.Read($"/proc/{process}/stat"))).OfType<ProcessPlace>();
        return ProcessTree.Of(pid, places).Aggregate(ByteSize.Zero, (sum, member) => sum + Private(member));
    }

    /// <inheritdoc/>
    public long? MemoryKills() => CgroupKills.Read(files) ?? (files.Read("/proc/vmstat") is { } machine ? KernelText.Count(machine, "oom_kill") : null);

    private MemoryReading Machine()
    {
        if (files.Read("/proc/meminfo") is { } text && KernelText.Kilobytes(text, "MemTotal") is { } total && KernelText.Kilobytes(text, "MemAvailable") is { } available)
        {
            return new MemoryReading(total, ByteSize.Min(available, total), "/proc/meminfo");
        }

        // A sandbox without /proc: the runtime has other ways to know, if not what others use.
        var known = GC.GetGCMemoryInfo();
        var all = new ByteSize(known.TotalAvailableMemoryBytes);
        return new MemoryReading(all, ByteSize.Max(ByteSize.Zero, all - new ByteSize(known.MemoryLoadBytes)), "the .NET runtime");
    }

    /// <summary>The process's share of memory that has no file behind it. Pages of a mapped file do not count: they are available as they are.</summary>
    private ByteSize Private(int pid)
    {
        if (files.Read($"/proc/{pid}/smaps_rollup") is { } rollup && KernelText.Kilobytes(rollup, "Pss_Anon") is { } anonymous)
        {
            return anonymous + (KernelText.Kilobytes(rollup, "Pss_Shmem") ?? ByteSize.Zero);
        }

        // Another user's process, or a kernel before 5.4: what is shared counts for each that shares it.
        return files.Read($"/proc/{pid}/status") is { } status
            ? (KernelText.Kilobytes(status, "RssAnon") ?? ByteSize.Zero) + (KernelText.Kilobytes(status, "RssShmem") ?? ByteSize.Zero)
            : ByteSize.Zero;
    }
}
