namespace MlxGateway.Supervision.Processes;

/// <summary>
/// The leader of a child and all who came of it: its session and group, its descendants, everyone once seen as one of those,
/// and everyone who carries its mark.
/// </summary>
/// <remarks>
/// Group and session ids are only meaningful while the leader's process id cannot be given away: that is until a leader of ours is reaped, after which
/// nobody may ask here any more; for one that was adopted, while it is seen itself, or anybody who is known to belong to its group or session.
/// </remarks>
internal sealed class ProcessFamily(IProcessTable table, ILeader leader, string mark)
{
    private readonly Lock _lock = new();
    private readonly HashSet<ProcessIdentity> _known = [];

    public ILeader Leader => leader;

    /// <summary>The mark of this child, and of no other.</summary>
    public string Mark => mark;

    /// <summary>Remembers who belongs to the family now, by kinship alone: cheap enough to be done now and then. Whoever breaks all ties later is still known.</summary>
    public void Remember(IReadOnlyList<ProcessEntry> all) => Kin(all);

    /// <summary>Everyone of the family who is alive now.</summary>
    public IReadOnlyList<ProcessEntry> Living()
    {
        var all = table.All();
        var family = Kin(all);
        var found = false;
        foreach (var entry in all)
        {
            if (!entry.IsZombie && !family.Contains(entry.Pid) && !table.WasThereBefore(entry.Identity, leader.Identity) && table.HasVariable(entry.Pid, Marks.Child, mark))
            {
                lock (_lock)
                {
                    found |= _known.Add(entry.Identity);
                }
            }
        }

        // The children of those may have dropped the mark.
        family = found ? Kin(all) : family;
        return all.Where(entry => !entry.IsZombie && family.Contains(entry.Pid)).ToList();
    }

    /// <summary>The dead of the family whom the system gave to us when their own parents died; the leader is not among them.</summary>
    public IEnumerable<int> AdoptedDead(IReadOnlyList<ProcessEntry> all)
    {
        var family = Kin(all);
        return all.Where(entry => entry.IsZombie && entry.Parent == Environment.ProcessId && entry.Pid != Number && family.Contains(entry.Pid)).Select(entry => entry.Pid);
    }

    private int Number => leader.Identity.Pid;

    private HashSet<int> Kin(IReadOnlyList<ProcessEntry> all)
    {
        var children = all.ToLookup(entry => entry.Parent);
        lock (_lock)
        {
            var family = new HashSet<int>();
            var numberIsIts = leader.HoldsItsNumber
                || all.Any(entry => entry.Identity == leader.Identity || ((entry.Group == Number || entry.Session == Number) && _known.Contains(entry.Identity)));
            var next = new Stack<ProcessEntry>(all.Where(entry =>
                (numberIsIts && (entry.Pid == Number || entry.Group == Number || entry.Session == Number)) || _known.Contains(entry.Identity)));
            while (next.TryPop(out var entry))
            {
                if (family.Add(entry.Pid))
                {
                    _known.Add(entry.Identity);
                    foreach (var child in children[entry.Pid])
                    {
                        next.Push(child);
                    }
                }
            }

            return family;
        }
    }
}
