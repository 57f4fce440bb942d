using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>A process, told from a later one with the same number by its start.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Start">When it started, in ticks since the boot.</param>
internal readonly record struct SeenProcess(int Pid, long Start)
{
    /// <summary>The process with this number, if there is one that is not a zombie.</summary>
    public static SeenProcess? Of(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : new SeenProcess(pid, long.Parse(fields[19], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether it is still there.</summary>
    public bool IsAlive => Of(Pid) == this;
}

/// <summary>Counts what a gateway has, and remembers every process that it ever had.</summary>
internal sealed class Census(int gateway)
{
    private readonly ConcurrentDictionary<SeenProcess, byte> _seen = [];
    private string? _mark;

    /// <summary>How many processes have been seen so far.</summary>
    public int Seen => _seen.Count;

    /// <summary>Those of them that are still there.</summary>
    public IReadOnlyList<SeenProcess> Living => [.. _seen.Keys.Where(p => p.IsAlive)];

    /// <summary>The files and sockets that the gateway has open. The runtime opens an assembly when something of it is needed for the first time, and keeps it open; those are not counted.</summary>
    public int Handles => Directory.GetFileSystemEntries($"/proc/{gateway}/fd").Count(f => !TargetOf(f).EndsWith(".dll", StringComparison.Ordinal));

    /// <summary>The gateway's resident memory, in megabytes.</summary>
    public int ResidentMegabytes => int.Parse(
        File.ReadLines($"/proc/{gateway}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture) / 1024;

    /// <summary>What each handle of the gateway is, for people.</summary>
    public string HandlesInWords => string.Join('\n', Directory.GetFileSystemEntries($"/proc/{gateway}/fd").Select(TargetOf)
        .GroupBy(n => n.Split(':')[0]).Select(g => $"{g.Count()} {g.Key}"));

    // It may be closed since the folder was read.
    private static string TargetOf(string handle)
    {
        try
        {
            return File.ResolveLinkTarget(handle, returnFinalTarget: false)?.Name ?? handle;
        }
        catch (FileNotFoundException)
        {
            return "closed";
        }
    }

    /// <summary>The ports on which the gateway itself listens.</summary>
    public IReadOnlyList<int> ListeningPorts()
    {
        var own = Directory.GetFileSystemEntries($"/proc/{gateway}/fd").Select(SocketOf).OfType<string>().ToHashSet();
        return [.. new[] { "tcp", "tcp6" }.SelectMany(t => File.ReadLines($"/proc/{gateway}/net/{t}").Skip(1))
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(f => f[3] == "0A" && own.Contains(f[9]))
            .Select(f => int.Parse(f[1][(f[1].LastIndexOf(':') + 1)..], NumberStyles.HexNumber, CultureInfo.InvariantCulture)).Order()];
    }

    /// <summary>Remembers a runner that the gateway has named. From the first one the mark of all is learned.</summary>
    public void Remember(int pid)
    {
        if (SeenProcess.Of(pid) is { } process && MarkOf(pid) is { } mark)
        {
            _mark ??= mark;
            if (mark == _mark)
            {
                _seen.TryAdd(process, 0);
            }
        }
    }

    /// <summary>Remembers every process of this machine that carries the mark.</summary>
    public void Count()
    {
        foreach (var pid in Directory.EnumerateDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), out var pid) ? pid : 0).Where(p => p > 0 && p != gateway))
        {
            if (_mark is not null && MarkOf(pid) == _mark && SeenProcess.Of(pid) is { } process)
            {
                _seen.TryAdd(process, 0);
            }
        }
    }

    /// <summary>Whether a process carries the mark: only those may be signalled.</summary>
    public bool IsOurs(int pid) => _mark is not null && MarkOf(pid) == _mark;

    private static string? MarkOf(int pid)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{pid}/environ")).Split('\0').FirstOrDefault(v => v.StartsWith("MLXGATEWAY_MARK=", StringComparison.Ordinal));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? SocketOf(string handle)
    {
        try
        {
            return File.ResolveLinkTarget(handle, false)?.Name is { } name && name.StartsWith("socket:[", StringComparison.Ordinal) ? name["socket:[".Length..^1] : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
