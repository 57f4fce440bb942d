namespace MlxGateway.Supervision.Models;

/// <summary>Finds files in a folder and the folders in it, to a limited depth and number, each folder once however links lead to it.</summary>
internal static class FileWalk
{
    // Enough for every collection of models, and little enough for a folder of somebody's photographs named by mistake.
    private const int MostEntries = 20_000;

    /// <summary>The full paths of all files with the ending, those nearer to the top first, then by name.</summary>
    /// <param name="depth">How many folders deep to look; 0: only in <paramref name="folder"/> itself.</param>
    public static IReadOnlyList<string> Find(string folder, string ending, int depth)
    {
        var found = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var budget = MostEntries;
        var level = new List<string> { folder };
        for (var at = 0; at <= depth && level.Count > 0; at++)
        {
            var next = new List<string>();
            foreach (var current in level)
            {
                if (Disk.RealFolder(current) is not { } real || !seen.Add(real))
                {
                    continue;
                }

                // From the real folder on, so that what lies below a link is known again when it is reached without it.
                var entries = Disk.Entries(real, budget);
                budget -= entries.Count;
                found.AddRange(entries.Where(entry => entry.EndsWith(ending, StringComparison.OrdinalIgnoreCase) && !Disk.IsFolder(entry)));
                next.AddRange(entries.Where(entry => Path.GetFileName(entry)[0] != '.' && Disk.IsFolder(entry)));
            }

            level = next;
        }

        return found;
    }
}
