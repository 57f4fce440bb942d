using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>The cache that the tools of Hugging Face keep: <c>models--ORG--NAME/refs/main</c> names a commit, <c>snapshots/COMMIT</c> holds its files as links.</summary>
/// <param name="path">The folder <c>hub</c> itself.</param>
internal sealed partial class HuggingFaceFolder(string path)
{
    private const int MostRepositories = 5000;

    /// <summary>Where the cache is by the environment, as <c>huggingface_hub</c> decides it.</summary>
    public static HuggingFaceFolder Of(ModelSettings settings)
    {
        var folder = Set("HF_HUB_CACHE") ?? Set("HUGGINGFACE_HUB_CACHE") ?? Below(Set("HF_HOME"), "hub") ?? Below(Set("XDG_CACHE_HOME") ?? "~/.cache", "huggingface/hub")!;
        return new HuggingFaceFolder(PathText.Absolute(folder, settings) ?? settings.BaseFolder);

        string? Set(string name) => settings.Variable(name) is { Length: > 0 } value ? value : null;
        static string? Below(string? parent, string child) => parent is null ? null : Path.Combine(parent, child);
    }

    /// <summary>Whether the text has the form of a repository id: <c>ORG/NAME</c>, or one name for the oldest repositories.</summary>
    public static bool IsRepositoryId(string text) => RepositoryId().IsMatch(text) && !text.Contains("--", StringComparison.Ordinal) && !text.Contains("..", StringComparison.Ordinal);

    /// <summary>The ids of all repositories of models in the cache, ordered.</summary>
    public IEnumerable<string> Repositories() =>
        Disk.Entries(path, MostRepositories)
            .Select(entry => Path.GetFileName(entry))
            .Where(name => name.StartsWith("models--", StringComparison.Ordinal))
            .Select(name => name["models--".Length..].Replace("--", "/", StringComparison.Ordinal))
            .Where(IsRepositoryId);

    /// <summary>The folder with the files of a repository's main revision; null if it is not in the cache.</summary>
    public string? Snapshot(string repository)
    {
        var folder = Path.Combine(path, "models--" + repository.Replace("/", "--", StringComparison.Ordinal));
        var commit = Disk.Text(Path.Combine(folder, "refs", "main"), limit: 1000)?.Trim();
        if (commit is null || !Commit().IsMatch(commit))
        {
            return null;
        }

        var snapshot = Path.Combine(folder, "snapshots", commit);
        return Disk.IsFolder(snapshot) ? snapshot : null;
    }

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?$")]
    private static partial Regex RepositoryId();

    // Anything else could lead out of the cache.
    [GeneratedRegex("^[0-9a-zA-Z]{1,64}$")]
    private static partial Regex Commit();
}
