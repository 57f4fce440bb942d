using System.Globalization;
using System.Text;

namespace MlxGateway.Supervision.Processes;

/// <summary>Reads <c>/proc</c>.</summary>
internal sealed class LinuxProcessTable : IProcessTable
{
    // The kernel fills them up with spaces, in tcp; in tcp6 they are longer.
    private const int SocketLine = 150;

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

    public bool WasThereBefore(ProcessIdentity process, ProcessIdentity other) => process.Start < other.Start; // ticks since the boot, which nobody sets

    public bool? AnyListens(IReadOnlyCollection<int> pids, int port)
    {
        var allSeen = true;
        foreach (var inode in Listening("/proc/net/tcp", port).Concat(Listening("/proc/net/tcp6", port)))
        {
            foreach (var pid in pids)
            {
                switch (Has(pid, $"socket:[{inode}]"))
                {
                    case true: return true;
                    case null: allSeen = false; break;
                }
            }
        }

        return allSeen ? false : null;
    }

    private static IEnumerable<long> Listening(string table, int port) => LinuxProcText.ListeningInodes(ProcFile.Lines(table, SocketLine), port);

    private static bool? Has(int pid, string socket)
    {
        try
        {
            return Directory.EnumerateFileSystemEntries($"/proc/{pid}/fd").Any(descriptor => LinkTarget(descriptor) == socket);
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
