using System.Globalization;

namespace MlxGateway.Supervision.Processes;

/// <summary>Takes the children that gateways kept when they ended. Each is a file that belongs to nobody, and renaming it makes it one gateway's: the system lets only one of several do that.</summary>
/// <remarks>
/// <code>
///  kept/MARK.json ──renamed──► kept/MARK.json.PID-START ──in the record of that gateway──► deleted
///       ▲                              │ that gateway died before
///       └──────── as good as ──────────┘
/// </code>
/// What stands in a gateway's own record as well was never handed over whole: it is that gateway's while it lives, and a stray when it is dead.
/// </remarks>
internal sealed class KeptChildren(StateFolder folder, IProcessTable table)
{
    private const string Extension = ".json";

    /// <summary>All that nobody has. The files are the caller's to delete, when the children are in its own record.</summary>
    public IReadOnlyList<(string Path, KeptChild Child)> Take()
    {
        var kept = folder.KeptRecords();
        var own = kept.Count > 0 ? table.Find(Environment.ProcessId)?.Identity : null;
        if (own is not { } self)
        {
            return [];
        }

        var gateways = folder.Records();
        var taken = new List<(string, KeptChild)>();
        foreach (var (path, child) in kept)
        {
            if (child.Epoch.Boot != table.Epoch.Boot)
            {
                File.Delete(path); // nothing outlives its boot
            }
            else if (child.Epoch == table.Epoch && !IsTaken(path))
            {
                if (gateways.FirstOrDefault(entry => entry.Record.Epoch == table.Epoch && entry.Record.Children.Any(c => c.Leader == child.Leader)).Record is { } owner)
                {
                    Disown(path, owner);
                }
                else if (TryRename(path, $"{Path.Combine(folder.Kept, child.Mark)}{Extension}.{self.Pid.ToString(CultureInfo.InvariantCulture)}-{self.Start.ToString(CultureInfo.InvariantCulture)}") is { } mine)
                {
                    taken.Add((mine, child));
                }
            }
        }

        return taken;
    }

    private void Disown(string path, GatewayRecord owner)
    {
        if (!table.Lives(owner.Owner))
        {
            File.Delete(path);
        }
    }

    private bool IsTaken(string path)
    {
        var taker = Path.GetExtension(path).TrimStart('.').Split('-');
        return taker.Length == 2
            && int.TryParse(taker[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && long.TryParse(taker[1], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
            && table.Lives(new ProcessIdentity(pid, start));
    }

    private static string? TryRename(string path, string target)
    {
        try
        {
            // Overwriting, so that it is one rename. Without, a link is made first, and two may make one.
            File.Move(path, target, overwrite: true);
            return target;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // another gateway was faster
        }
    }
}
