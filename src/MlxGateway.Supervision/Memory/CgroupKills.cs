namespace MlxGateway.Supervision.Memory;

/// <summary>How many processes of this process's control group, and of the groups below it, the kernel has killed for want of memory, whichever limit it was that was reached.</summary>
internal static class CgroupKills
{
    /// <returns>Null: memory is not controlled, it is the top group, or the kernel is older than 4.13.</returns>
    public static long? Read(IKernelFiles files)
    {
        if (files.Read("/proc/self/cgroup") is not { } cgroup || files.Read("/proc/self/mountinfo") is not { } mountinfo || CgroupFolder.Find(cgroup, mountinfo) is not { } group)
        {
            return null;
        }

        return files.Read($"{group.Folder}/{(group.IsVersion2 ? "memory.events" : "memory.oom_control")}") is { } events ? KernelText.Count(events, "oom_kill") : null;
    }
}
