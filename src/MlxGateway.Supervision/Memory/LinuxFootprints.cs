using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Reads what processes take from <c>/proc/PID/status</c> and <c>/proc/PID/smaps_rollup</c>.</summary>
/// <remarks>
/// The rollup knows each process's share of shared pages, but the kernel walks all page tables for it: about 3.5 ms for each GB that is mapped. The counters of the status cost 0.02 ms.
/// Private pages are shared within a family only, by fork; so a process that has no family of its own is read from its counters, which is exact, and only families pay for the rollup.
/// </remarks>
internal sealed class LinuxFootprints(IKernelFiles files)
{
    /// <summary>What the members have together without a file behind it.</summary>
    public ByteSize Private(IReadOnlyCollection<int> members)
    {
        var sum = ByteSize.Zero;
        foreach (var pid in members)
        {
            sum += Private(pid, members.Count == 1);
        }

        return sum;
    }

    /// <summary>All that can be known of the members together; null if none of them is there.</summary>
    public FootprintReading? Read(IReadOnlyCollection<int> members)
    {
        var isAlone = members.Count == 1;
        var (mine, mapped, highest, sharedTwice) = (ByteSize.Zero, ByteSize.Zero, ByteSize.Zero, ByteSize.Zero);
        foreach (var pid in members)
        {
            if (files.Read($"/proc/{pid}/status") is not { } status || KernelText.Kilobytes(status, "VmHWM") is not { } most)
            {
                continue; // gone, or a zombie
            }

            highest += most;
            if (!isAlone && Rollup(pid) is { } rollup && KernelText.Kilobytes(rollup, "Pss_File") is { } file)
            {
                var own = Anonymous(rollup, "Pss_Anon", "Pss_Shmem") ?? ByteSize.Zero;
                mine += own;
                mapped += file;
                sharedTwice += (KernelText.Kilobytes(rollup, "Rss") ?? own + file) - (own + file);
            }
            else
            {
                mine += Anonymous(status, "RssAnon", "RssShmem") ?? ByteSize.Zero;
                mapped += KernelText.Kilobytes(status, "RssFile") ?? ByteSize.Zero;
            }
        }

        // The high-water marks count a shared page for each that has it. What is shared now is taken off them: libraries and what was there before a fork, which stay.
        return highest == ByteSize.Zero ? null : new FootprintReading(mine, mapped, ByteSize.Max(mine + mapped, highest - sharedTwice));
    }

    private ByteSize Private(int pid, bool isAlone)
    {
        // Another user's process has no rollup for us, nor has a kernel before 5.4: what is shared then counts for each that shares it.
        var known = isAlone ? OfStatus(pid) ?? OfRollup(pid) : OfRollup(pid) ?? OfStatus(pid);
        return known ?? ByteSize.Zero;
    }

    private ByteSize? OfStatus(int pid) => files.Read($"/proc/{pid}/status") is { } status ? Anonymous(status, "RssAnon", "RssShmem") : null;

    private ByteSize? OfRollup(int pid) => Rollup(pid) is { } rollup ? Anonymous(rollup, "Pss_Anon", "Pss_Shmem") : null;

    private string? Rollup(int pid) => files.Read($"/proc/{pid}/smaps_rollup");

    private static ByteSize? Anonymous(string text, string anonymous, string shared) =>
        KernelText.Kilobytes(text, anonymous) is { } found ? found + (KernelText.Kilobytes(text, shared) ?? ByteSize.Zero) : null;
}
