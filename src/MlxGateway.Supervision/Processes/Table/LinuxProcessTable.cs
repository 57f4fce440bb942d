using System.Globalization;
using System.Text;

namespace MlxGateway.Supervision.Processes;

/// <summary>Reads <c>/proc</c>.</summary>
internal sealed class LinuxProcessTable : IProcessTable
{
    private readonly Lazy<ProcessEpoch> _epoch = new(() => new ProcessEpoch(Text("/proc/sys/kernel/random/boot_id").Trim(), LinkTarget("/proc/self/ns/pid") ?? ""));

    public ProcessEpoch Epoch => _epoch.Value;

    public IReadOnlyList<ProcessEntry> All()
    {
        var entries = new List<ProcessEntry>(256);
        foreach (var path in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(path.AsSpan("/proc/".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && Find(pid) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    public ProcessEntry? Find(int pid) => ProcFile.TryRead($"/proc/{pid}/stat") is { } stat ? LinuxProcText.ParseStat(stat) : null;

    public bool HasVariable(int pid, string name, string value) =>
        ProcFile.TryRead($"/proc/{pid}/environ") is { } block && LinuxProcText.HasVariable(block, name, value);

    public TimeSpan? ProcessorTimeOf(int pid) => ProcFile.TryRead($"/proc/{pid}/stat") is { } stat ? LinuxProcText.ParseProcessorTime(stat) : null;

    public bool? AnyListens(IReadOnlyCollection<int> pids, int port)
    {
        var sockets = LinuxProcText.ListeningInodes(Text("/proc/net/tcp"), port)
            .Concat(LinuxProcText.ListeningInodes(Text("/proc/net/tcp6"), port))
            .Select(inode => $"socket:[{inode}]").ToHashSet();
        if (sockets.Count == 0)
        {
            return false;
        }

        var allSeen = true;
        foreach (var pid in pids)
        {
            switch (HasAny(pid, sockets))
            {
                case true: return true;
                case null: allSeen = false; break;
            }
        }

        return allSeen ? false : null;
    }

    private static bool? HasAny(int pid, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Any(descriptor => LinkTarget(descriptor) is { } target && sockets.Contains(target));
        }
        catch (DirectoryNotFoundException)
        {
            return false; // gone in the meantime
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Text(string path) => ProcFile.TryRead(path) is { } bytes ? Encoding.ASCII.GetString(bytes) : "";

    private static unsafe string? LinkTarget(string path)
    {
        var buffer = stackalloc byte[128];
        var length = LibC.readlink(path, buffer, 128);
        return length > 0 ? Encoding.UTF8.GetString(buffer, (int)length) : null;
    }
}
