using System.Text.RegularExpressions;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Finds what a model's source stands for on this machine: a file, a folder, or a repository of the Hugging Face cache.</summary>
internal sealed partial class SourceResolver(ModelSettings settings, FactsCache facts)
{
    private readonly HuggingFaceFolder _cache = HuggingFaceFolder.Of(settings);

    /// <summary>What reads the files.</summary>
    public FactsCache Facts => facts;

    /// <summary>Looks for a source. Never throws for what it finds.</summary>
    /// <param name="source">As it was written.</param>
    /// <param name="kind">The kind that would load it.</param>
    public ResolvedSource Resolve(string source, string kind)
    {
        if (PathText.Absolute(source, settings) is not { } path)
        {
            return Nowhere($"\"{source}\" is no path");
        }

        if (Disk.IsFolder(path))
        {
            return Found(ModelFiles.OfFolder(path, kind, facts), advice: "");
        }

        if (File.Exists(path))
        {
            return kind is KindNames.MlxLm or KindNames.MlxVlm or KindNames.MlcLlm ? Nowhere($"{path} is a file, and {kind} loads folders") : Found(ModelFiles.OfGguf(path, facts), advice: "");
        }

        if (PartOf(source) is { } one)
        {
            return kind == KindNames.LlamaServer ? Part(one.Repository, one.Part) : Nowhere($"the source {source} names one of the GGUF files of a repository, and {kind} loads folders");
        }

        // The one form that is both: a repository cannot be called like a file with weights.
        var id = HubName.Bare(source).ToString();
        return IsRepository(id) ? Repository(id, kind) : Nowhere($"the file or folder {path} does not exist");
    }

    /// <summary>The repository and the file of it that a source names, as a download of one of several does: <c>ORG/NAME:Q8_0</c>, or <c>ORG/NAME/STEM</c> where there is something of that repository; null: it names no file so.</summary>
    public (string Repository, string Part)? PartOf(string source) =>
        OneFile().Match(HubName.Bare(source).ToString()) is { Success: true } match && match.Groups["id"].Value is var id && IsRepository(id) && !source.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
        && (match.Groups["by"].Value == ":" || _cache.Repository(id).IsBegun) // otherwise it is a folder that is not there
            ? (id, match.Groups["part"].Value)
            : null;

    /// <summary>The folder that a source stands for, which may be a repository's; null if it is anything else or not here.</summary>
    public string? Folder(string source)
    {
        if (PathText.Absolute(source, settings) is { } path && Disk.IsFolder(path))
        {
            return path;
        }

        var id = HubName.Bare(source).ToString();
        return HuggingFaceFolder.IsRepositoryId(id) ? _cache.Repository(id).Snapshot : null;
    }

    private ResolvedSource Repository(string id, string kind)
    {
        var repository = _cache.Repository(id);
        if (repository.Snapshot is not { } snapshot)
        {
            return Nowhere(repository.IsBegun ? $"the repository {id} is in the Hugging Face cache without a revision" : $"the repository {id} is not in the Hugging Face cache", repository.Advice);
        }

        // Of several the one that a download of the repository brings: which it is must not change when another comes.
        var files = kind == KindNames.LlamaServer && Ggufs(snapshot).FirstOrDefault() is { } best ? ModelFiles.OfGguf(best, facts) : ModelFiles.OfFolder(snapshot, kind, facts);
        files = files with { Missing = files.Missing ?? repository.Lacking(kind, facts) };
        return Found(files, files.Missing is null ? "" : repository.Advice);
    }

    private ResolvedSource Part(string id, string part)
    {
        var repository = _cache.Repository(id);
        var file = repository.Snapshot is { } snapshot
            ? Ggufs(snapshot).FirstOrDefault(file => GgufName.Of(file).Stem is var stem && (part.Equals(stem, StringComparison.OrdinalIgnoreCase) || part.Equals(GgufQuantisation.Of(stem), StringComparison.OrdinalIgnoreCase)))
            : null;
        var advice = $" Fetch it with: hf download {id} --include '*{part}*'";
        if (file is null)
        {
            return Nowhere($"the Hugging Face cache has no file {part} of the repository {id}", advice);
        }

        var files = ModelFiles.OfGguf(file, facts);
        return Found(files, files.Missing is null ? "" : advice);
    }

    private static IEnumerable<string> Ggufs(string snapshot) => ModelFiles.Ggufs(snapshot).OrderBy(file => Disk.Length(file) is null).ThenBy(file => GgufQuantisation.RankOf(GgufQuantisation.Of(GgufName.Of(file).Stem)));

    private static bool IsRepository(string id) => HuggingFaceFolder.IsRepositoryId(id) && !id.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);

    private static ResolvedSource Found(ModelFiles files, string advice) => ResolvedSource.Of(files, advice);

    private static ResolvedSource Nowhere(string missing, string advice = "") => new(null, null, ResolvedSource.Sentence(missing) + advice);

    [GeneratedRegex(@"^(?<id>[^/:]+/[^/:]+)(?<by>[:/])(?<part>[A-Za-z0-9._-]+)\z")]
    private static partial Regex OneFile();
}

/// <param name="Path">The absolute path that the runner is given; null if it is not (wholly) here.</param>
/// <param name="Bytes">The bytes of what would be loaded.</param>
/// <param name="Missing">What is missing, as a sentence with the command that fetches it; null if nothing is.</param>
internal sealed record ResolvedSource(string? Path, ByteSize? Bytes, string? Missing)
{
    /// <summary>What the model may be sent.</summary>
    public ValueList<string> Modalities { get; init; } = Modality.TextAlone;

    /// <summary>The file that gives it images; null if there is none.</summary>
    public string? Projector { get; init; }

    /// <summary>What that file says.</summary>
    public ModelFacts? ProjectorFacts { get; init; }

    /// <summary>What its files say; null if they say nothing.</summary>
    public ModelFacts? Facts { get; init; }

    /// <summary>What was found in the files.</summary>
    /// <param name="files">The files.</param>
    /// <param name="advice">What to do if some are missing, with a blank in front.</param>
    public static ResolvedSource Of(ModelFiles files, string advice) => files.Missing is { } missing
        ? new ResolvedSource(null, null, Sentence(missing) + advice) { Facts = files.Facts }
        : new ResolvedSource(files.Path, files.Bytes, null) { Modalities = files.Modalities, Projector = files.Projector, ProjectorFacts = files.ProjectorFacts, Facts = files.Facts };

    /// <summary>Words for what is missing as a sentence.</summary>
    public static string Sentence(string missing) => $"{char.ToUpperInvariant(missing[0])}{missing.AsSpan(1)}.";
}
