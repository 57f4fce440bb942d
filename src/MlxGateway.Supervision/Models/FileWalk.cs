namespace MlxGateway.Supervision.Models;

/// <summary>Finds files in a folder and the folders in it, to a limited depth and number, each folder once however links lead to it.</summary>
internal sealed class FileWalk
{
    // Enough for every collection of models, and little enough for a folder of somebody's photographs named by mistake.
    private const int MostEntries = 20_000;

    private readonly List<WalkedFolder> _folders = [];

    private FileWalk()
    {
    }

    /// <summary>The folders, those nearer to the top first, then by path. None if the walk began at what is no folder.</summary>
    public IReadOnlyList<WalkedFolder> Folders => _folders;

    /// <summary>Whether there was more than it looks at.</summary>
    public bool IsCutShort { get; private set; }

    /// <summary>Walks.</summary>
    /// <param name="folder">Where to begin.</param>
    /// <param name="depth">How many folders deep to look; 0: only in <paramref name="folder"/> itself.</param>
    /// <param name="wanted">Which files are of interest.</param>
    public static FileWalk From(string folder, int depth, NameFilter wanted)
    {
        var walk = new FileWalk();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var budget = MostEntries;
        var level = new List<(string Path, bool IsReal)> { (folder, false) };
        for (var at = 0; at <= depth && level.Count > 0; at++)
        {
            var next = new List<(string Path, bool IsReal)>();
            foreach (var (current, isReal) in level)
            {
                // From the real folder on, so that what lies below a link is known again when it is reached without it.
                if (budget <= 0 || (isReal ? current : Disk.Real(current)) is not { } real || !seen.Add(real) || !Disk.IsFolder(real))
                {
                    walk.IsCutShort |= budget <= 0;
                    continue;
                }

                var (entries, looked) = Disk.Entries(real, budget, wanted);
                budget -= looked;
                walk.IsCutShort |= budget <= 0;
                walk._folders.Add(new WalkedFolder(real, [.. entries.Where(entry => !entry.IsFolder).Select(entry => entry.Name).Order(StringComparer.Ordinal)]));
                next.AddRange(entries.Where(entry => entry.IsFolder && entry.Name[0] != '.').OrderBy(entry => entry.Name, StringComparer.Ordinal).Select(entry => (Path.Combine(real, entry.Name), !entry.IsLink)));
            }

            level = next;
        }

        return walk;
    }

    /// <summary>The full paths of all files with the ending, those nearer to the top first, then by name.</summary>
    public static IReadOnlyList<string> Find(string folder, string ending, int depth) =>
        [.. From(folder, depth, name => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)).Folders.SelectMany(at => at.Paths)];
}

/// <summary>A folder that was walked through.</summary>
/// <param name="Path">Its real path.</param>
/// <param name="Files">The names of its files of interest, ordered.</param>
internal sealed record WalkedFolder(string Path, IReadOnlyList<string> Files)
{
    /// <summary>The full paths of its files of interest.</summary>
    public IEnumerable<string> Paths => Files.Select(name => System.IO.Path.Combine(Path, name));
}
