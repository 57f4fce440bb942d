using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Reads what processes take from <c>/proc/PID/status</c> and <c>/proc/PID/smaps_rollup</c>.</summary>
/// <remarks>
/// The rollup knows each process's share of shared pages, but the kernel walks all page tables for it: about 3.5 ms for each GB that is mapped. The counters of the status cost 0.02 ms.
/// Private pages are shared within a family only, by fork; so a process that has no family of its own is read from its counters, which is exact, and only families pay for the rollup.
/// </remarks>
internal sealed class LinuxFootprints(IKernelFiles files)
{
    /// <summary>What the members have together that is not available while they are there: what has no file behind it, and pages of files that are locked.</summary>
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
                var held = Held(rollup, "Locked", own, file);
                mine += own + held;
                mapped += file - held;
                sharedTwice += (KernelText.Kilobytes(rollup, "Rss") ?? own + file) - (own + file);
            }
            else
            {
                var alone = Anonymous(status, "RssAnon", "RssShmem") ?? ByteSize.Zero;
                var ofFiles = KernelText.Kilobytes(status, "RssFile") ?? ByteSize.Zero;
                var locked = Held(status, "VmLck", alone, ofFiles);
                mine += alone + locked;
                mapped += ofFiles - locked;
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

    private ByteSize? OfStatus(int pid) => files.Read($"/proc/{pid}/status") is { } status ? Own(status, "RssAnon", "RssShmem", "RssFile", "VmLck") : null;

    private ByteSize? OfRollup(int pid) => Rollup(pid) is { } rollup ? Own(rollup, "Pss_Anon", "Pss_Shmem", "Pss_File", "Locked") : null;

    private string? Rollup(int pid) => files.Read($"/proc/{pid}/smaps_rollup");

    private static ByteSize? Anonymous(string text, string anonymous, string shared) =>
        KernelText.Kilobytes(text, anonymous) is { } found ? found + (KernelText.Kilobytes(text, shared) ?? ByteSize.Zero) : null;

    private static ByteSize? Own(string text, string anonymous, string shared, string ofFiles, string locked) =>
        Anonymous(text, anonymous, shared) is { } own ? own + Held(text, locked, own, KernelText.Kilobytes(text, ofFiles) ?? ByteSize.Zero) : null;

    // The pages of files that are locked, and so not available while the process is there. The kernel says how much is locked and not of what; what has no file is taken off first, so that it is never too much.
    private static ByteSize Held(string text, string locked, ByteSize own, ByteSize ofFiles) =>
        KernelText.Kilobytes(text, locked) is { } all && all > own ? ByteSize.Min(ofFiles, all - own) : ByteSize.Zero;
}
