using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What control groups allow this process.</summary>
/// <param name="Limit">The tightest limit of the group and all above it; null if there is none.</param>
/// <param name="Available">The least that any limited group has left; null if there is no limit.</param>
internal readonly record struct CgroupLimits(ByteSize? Limit, ByteSize? Available)
{
    /// <summary>Reads the group's limit and those of all groups above it: each holds for everything below.</summary>
    public static CgroupLimits Read(IKernelFiles files)
    {
        if (files.Read("/proc/self/cgroup") is not { } cgroup || files.Read("/proc/self/mountinfo") is not { } mountinfo || CgroupFolder.Find(cgroup, mountinfo) is not { } group)
        {
            return default;
        }

        var (limitName, usageName, cacheName) = group.IsVersion2
            ? ("memory.max", "memory.current", "inactive_file")
            : ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
        var tightest = default(CgroupLimits);
        foreach (var folder in group.Upward())
        {
            if (KernelText.Bytes(files.Read($"{folder}/{limitName}")) is { } limit)
            {
                var usage = KernelText.Bytes(files.Read($"{folder}/{usageName}")) ?? ByteSize.Zero;
                var cache = files.Read($"{folder}/memory.stat") is { } stat ? KernelText.Bytes(stat, cacheName) ?? ByteSize.Zero : ByteSize.Zero;

                // File pages that nobody used lately are given back before anything is refused.
                var left = limit - ByteSize.Max(ByteSize.Zero, usage - cache);
                tightest = new CgroupLimits(Tighter(tightest.Limit, limit), Tighter(tightest.Available, ByteSize.Max(ByteSize.Zero, left)));
            }
        }

        return tightest;
    }

    private static ByteSize Tighter(ByteSize? left, ByteSize right) => left is { } other ? ByteSize.Min(other, right) : right;
}
