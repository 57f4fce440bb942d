namespace MlxGateway.Supervision.Models;

/// <summary>How some places on the disk looked at one moment, so that whether something has changed since can be told without reading anything.</summary>
/// <remarks>
/// A look takes the stamps of a bounded number of files and folders, however many there are: of the places themselves and of what changed last, because that changes again, every time;
/// of the others some in turn. So it costs the same for ten models and for ten thousand.
/// </remarks>
internal sealed class DiskSurvey
{
    private const int MostWatched = 4000;
    private const int Newest = 64;
    private const int InTurn = 128;
    private readonly List<(string Path, FileStamp Stamp)> _always;
    private readonly List<(string Path, FileStamp Stamp)> _others;
    private int _next;

    private DiskSurvey(List<(string Path, FileStamp Stamp)> always, List<(string Path, FileStamp Stamp)> others, IReadOnlyList<string> watchable)
    {
        _always = always;
        _others = others;
        Watchable = watchable;
    }

    /// <summary>The folders that are small enough to be told of every change in them.</summary>
    public IReadOnlyList<string> Watchable { get; }

    /// <summary>How many files and folders it knows.</summary>
    public int Count => _always.Count + _others.Count;

    /// <summary>Looks at everything in the places.</summary>
    public static DiskSurvey Of(IReadOnlyList<ModelPlace> places)
    {
        var always = places.Select(place => place.Folder).ToList();
        var below = new HashSet<string>(StringComparer.Ordinal);
        var watchable = new List<string>();
        foreach (var place in places)
        {
            var walk = FileWalk.From(place.Folder, place.Depth, place.Wanted);
            if (walk.Folders is [var top, ..] && !walk.IsCutShort && walk.Folders.Count <= MostWatched)
            {
                watchable.Add(top.Path);
            }

            below.UnionWith(walk.Folders.SelectMany(folder => folder.Paths.Prepend(folder.Path)));
        }

        var stamped = below.Except(always).Select(Stamped).OrderByDescending(at => at.Stamp.Modified).ToList();
        return new DiskSurvey([.. always.Select(Stamped), .. stamped.Take(Newest)], [.. stamped.Skip(Newest)], watchable);

        static (string Path, FileStamp Stamp) Stamped(string path) => (path, Disk.Stamp(path));
    }

    /// <summary>Whether a look finds something changed. Each look goes on where the last one ended. Not for use by several threads at once.</summary>
    public bool HasChanged()
    {
        if (_always.Exists(IsOther))
        {
            return true;
        }

        for (var i = 0; i < Math.Min(InTurn, _others.Count); i++)
        {
            _next = (_next + 1) % _others.Count;
            if (IsOther(_others[_next]))
            {
                return true;
            }
        }

        return false;

        static bool IsOther((string Path, FileStamp Stamp) at) => Disk.Stamp(at.Path) != at.Stamp;
    }
}
