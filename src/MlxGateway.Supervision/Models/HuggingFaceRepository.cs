using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>One repository of the Hugging Face cache.</summary>
/// <param name="id">What the Hub calls it.</param>
/// <param name="folder">Its folder, which may not be there.</param>
internal sealed partial class HuggingFaceRepository(string id, string folder)
{
    private const int MostFiles = 5000;

    /// <summary>What the Hub calls it.</summary>
    public string Id => id;

    /// <summary>Whether there is anything of it.</summary>
    public bool IsBegun => Disk.IsFolder(folder);

    /// <summary>The folder with the files of its main revision, or of the only one that there is; null if there is none.</summary>
    public string? Snapshot
    {
        get
        {
            var snapshots = Path.Combine(folder, "snapshots");
            var main = Path.Combine(folder, "refs", "main");
            if (File.Exists(main))
            {
                return Disk.Text(main, limit: 1000)?.Trim() is { } commit && Commit().IsMatch(commit) && Disk.IsFolder(Path.Combine(snapshots, commit)) ? Path.Combine(snapshots, commit) : null;
            }

            // Whoever fetches a certain commit gets no main revision, and a model nevertheless.
            var all = Disk.Entries(snapshots, MostFiles, static _ => false).Entries;
            return all is [var only] && Commit().IsMatch(only.Name) ? Path.Combine(snapshots, only.Name) : null;
        }
    }

    /// <summary>Whether a download is under way or was given up: some file has not come to its end.</summary>
    public bool HasUnfinished => Unfinished().Count > 0;

    /// <summary>The command that fetches it, with a blank in front.</summary>
    public string Advice => $" {(HasUnfinished ? "Its download is not finished; fetch" : "Fetch")} it with: hf download {id}"; // without a full stop, so that it can be copied

    /// <summary>What a kind needs from the main revision and is not there, though no file that is there says so; null if nothing is known to be.</summary>
    public string? Lacking(string kind, FactsCache facts)
    {
        if (kind is not (KindNames.MlxLm or KindNames.MlxVlm) || Snapshot is not { } snapshot)
        {
            return null;
        }

        return TreeOf(snapshot, facts)?.NeededByMlx.FirstOrDefault(name => Disk.Length(Path.Combine(snapshot, name)) is null) is { } missing
            ? $"the file {Path.Combine(snapshot, missing)} does not exist or is empty"
            : null;
    }

    /// <summary>The names of the GGUF files that are being fetched, as far as the cache says what they will be.</summary>
    public IReadOnlyList<string> UnfinishedGgufs(string snapshot, FactsCache facts)
    {
        var unfinished = Unfinished();
        return unfinished.Count == 0 || TreeOf(snapshot, facts) is not { } tree ? []
            : [.. tree.Ggufs.Where(file => unfinished.Any(blob => blob.StartsWith(file.Blob, StringComparison.Ordinal)) && Disk.Length(Path.Combine(snapshot, file.Name)) is null).Select(file => file.Name)];
    }

    private HuggingFaceTree? TreeOf(string snapshot, FactsCache facts) => facts.Tree(Path.Combine(folder, "trees", Path.GetFileName(snapshot) + ".json"));

    private IReadOnlyList<string> Unfinished() =>
        [.. Disk.Entries(Path.Combine(folder, "blobs"), MostFiles, static name => name.EndsWith(".incomplete", StringComparison.Ordinal)).Entries.Where(entry => !entry.IsFolder).Select(entry => entry.Name)];

    // Anything else could lead out of the cache.
    [GeneratedRegex("^[0-9a-zA-Z]{1,64}$")]
    private static partial Regex Commit();
}
