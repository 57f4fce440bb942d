using System.Globalization;

namespace MlxGateway.Supervision.Memory;

/// <summary>Who belongs to a runner: its process, everything that descends from it, and everything in its process group, which outlives its parent.</summary>
internal sealed class ProcessTree
{
    private readonly ILookup<int, int> _children;
    private readonly ILookup<int, int> _groups;

    /// <param name="processes">All processes that can be seen.</param>
    public ProcessTree(IEnumerable<ProcessPlace> processes)
    {
        var all = processes.ToList();
        _children = all.ToLookup(process => process.Parent, process => process.Pid);
        _groups = all.ToLookup(process => process.Group, process => process.Pid);
    }

    /// <summary>The ids of all that belong to <paramref name="leader"/>, itself among them.</summary>
    public HashSet<int> Of(int leader)
    {
        var members = new HashSet<int>();
        var next = new Stack<int>(_groups[leader].Append(leader));
        while (next.TryPop(out var pid))
        {
            if (members.Add(pid))
            {
                foreach (var child in _children[pid])
                {
                    next.Push(child);
                }
            }
        }

        return members;
    }
}

/// <summary>Where a process stands.</summary>
internal readonly record struct ProcessPlace(int Pid, int Parent, int Group)
{
    /// <summary>Reads <c>/proc/PID/stat</c>: <c>7 (any name) S PARENT GROUP …</c>. Null for anything else.</summary>
    public static ProcessPlace? Parse(int pid, string? stat)
    {
        // The name is whatever the program calls itself, brackets and spaces too; only the last bracket ends it.
        var end = stat?.LastIndexOf(')') ?? -1;
        if (end < 0)
        {
            return null;
        }

        var fields = stat![(end + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length >= 3
            && int.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out var parent)
            && int.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out var group)
            ? new ProcessPlace(pid, parent, group)
            : null;
    }
}
