namespace MlxGateway.Supervision.Models;

/// <summary>Tells soon that something in some folders has come, gone or been renamed, where the system can tell it. Never fails: where it cannot be told, nothing is.</summary>
/// <param name="hint">What to do then; called on any thread, often, and never needlessly late.</param>
internal sealed class FolderHints(Action hint) : IDisposable
{
    // A folder that was deleted and made again is another one, though it has the same path.
    private readonly Dictionary<(string Folder, long Born), FileSystemWatcher?> _watchers = [];

    /// <summary>How many folders are watched.</summary>
    public int Count => _watchers.Values.Count(watcher => watcher is not null);

    /// <summary>Watches these folders, and what lies in them, from now on, and no others.</summary>
    public void Watch(IReadOnlyList<string> folders)
    {
        var wanted = folders.Where(folder => !folders.Any(other => folder.StartsWith(other + '/', StringComparison.Ordinal))).Select(folder => (folder, Born(folder))).ToHashSet();
        foreach (var gone in _watchers.Keys.Where(key => !wanted.Contains(key)).ToList())
        {
            _watchers.Remove(gone, out var watcher);
            watcher?.Dispose();
        }

        foreach (var added in wanted.Where(key => !_watchers.ContainsKey(key)))
        {
            _watchers.Add(added, Begin(added.folder)); // also if it failed, so that it is not tried again and again
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var watcher in _watchers.Values)
        {
            watcher?.Dispose();
        }

        _watchers.Clear();
    }

    private FileSystemWatcher? Begin(string folder)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            // What is written to is not told: a download would tell of every piece.
            watcher = new FileSystemWatcher(folder) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName };
            watcher.Created += (_, _) => hint();
            watcher.Deleted += (_, _) => hint();
            watcher.Renamed += (_, _) => hint();
            watcher.Error += (_, _) => hint(); // more happened than could be told
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or PlatformNotSupportedException)
        {
            watcher?.Dispose(); // gone meanwhile, or the system has no more watches to give
            return null;
        }
    }

    private static long Born(string folder)
    {
        try
        {
            return Directory.GetCreationTimeUtc(folder).Ticks;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return 0;
        }
    }
}
