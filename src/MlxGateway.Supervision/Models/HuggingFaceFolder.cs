using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>The cache that the tools of Hugging Face keep: <c>models--ORG--NAME/refs/main</c> names a commit, <c>snapshots/COMMIT</c> holds its files as links.</summary>
/// <param name="path">The folder <c>hub</c> itself.</param>
internal sealed partial class HuggingFaceFolder(string path)
{
    private const string Prefix = "models--";
    private const int MostRepositories = 5000;

    /// <summary>Where the cache is by the environment, as <c>huggingface_hub</c> decides it.</summary>
    public static HuggingFaceFolder Of(ModelSettings settings)
    {
        var folder = Set("HF_HUB_CACHE") ?? Set("HUGGINGFACE_HUB_CACHE") ?? Below(Set("HF_HOME"), "hub") ?? Below(Set("XDG_CACHE_HOME") ?? "~/.cache", "huggingface/hub")!;
        return new HuggingFaceFolder(PathText.Absolute(folder, settings) ?? settings.BaseFolder);

        string? Set(string name) => settings.Variable(name) is { Length: > 0 } value ? value : null;
        static string? Below(string? parent, string child) => parent is null ? null : System.IO.Path.Combine(parent, child);
    }

    /// <summary>Whether the text has the form of a repository id: <c>ORG/NAME</c>, or one name for the oldest repositories.</summary>
    public static bool IsRepositoryId(string text) => RepositoryId().IsMatch(text) && !text.Contains("--", StringComparison.Ordinal) && !text.Contains("..", StringComparison.Ordinal);

    /// <summary>The folder <c>hub</c> itself.</summary>
    public string Path => path;

    /// <summary>All repositories of models in the cache, ordered by id.</summary>
    public IEnumerable<HuggingFaceRepository> Repositories() =>
        Disk.Entries(path, MostRepositories, static _ => false).Entries
            .Select(entry => entry.Name)
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => name[Prefix.Length..].Replace("--", "/", StringComparison.Ordinal))
            .Where(IsRepositoryId)
            .Select(Repository);

    /// <summary>The repository of that id, which may not be in the cache.</summary>
    public HuggingFaceRepository Repository(string id) => new(id, System.IO.Path.Combine(path, Prefix + id.Replace("/", "--", StringComparison.Ordinal)));

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)?$")]
    private static partial Regex RepositoryId();
}
