using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Linux: <c>/proc/meminfo</c> and the control group's limits, whichever is tighter.</summary>
internal sealed class LinuxMemoryProbe(IKernelFiles files) : IMemoryProbe
{
    private readonly LinuxFootprints _footprints = new(files);

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
    public ByteSize FootprintOf(IReadOnlyCollection<int> pids)
    {
        var tree = Tree(pids);
        var counted = new HashSet<int>();
        var sum = ByteSize.Zero;
        foreach (var pid in pids)
        {
            var members = tree.Of(pid);
            members.ExceptWith(counted);
            counted.UnionWith(members);
            sum += _footprints.Private(members);
        }

        return sum;
    }

    /// <inheritdoc/>
    public long? MemoryKills() => CgroupKills.Read(files) ?? (files.Read("/proc/vmstat") is { } machine ? KernelText.Count(machine, "oom_kill") : null);

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, FootprintReading> ReadingsOf(IReadOnlyCollection<int> pids)
    {
        var tree = Tree(pids);
        var readings = new Dictionary<int, FootprintReading>();
        foreach (var pid in pids)
        {
            if (_footprints.Read(tree.Of(pid)) is { } reading)
            {
                readings[pid] = reading;
            }
        }

        return readings;
    }

    // One look at all processes for all runners. The kernel's own lists of children are not in every kernel, and a group's orphans are in none of them.
    private ProcessTree Tree(IReadOnlyCollection<int> pids) =>
        new(pids.Count == 0 ? [] : files.Processes().Select(process => ProcessPlace.Parse(process, files.Read($"/proc/{process}/stat"))).OfType<ProcessPlace>());

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
}
