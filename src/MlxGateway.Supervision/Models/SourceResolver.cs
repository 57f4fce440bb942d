using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Finds what a model's source stands for on this machine: a file, a folder, or a repository of the Hugging Face cache.</summary>
internal sealed class SourceResolver(ModelSettings settings, FactsCache facts)
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

        // The one form that is both: a repository cannot be called like a file with weights.
        var isRepository = HuggingFaceFolder.IsRepositoryId(source) && !source.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        return isRepository ? Repository(source, kind) : Nowhere($"the file or folder {path} does not exist");
    }

    /// <summary>The folder that a source stands for, which may be a repository's; null if it is anything else or not here.</summary>
    public string? Folder(string source)
    {
        if (PathText.Absolute(source, settings) is { } path && Disk.IsFolder(path))
        {
            return path;
        }

        return HuggingFaceFolder.IsRepositoryId(source) ? _cache.Repository(source).Snapshot : null;
    }

    private ResolvedSource Repository(string id, string kind)
    {
        var repository = _cache.Repository(id);
        if (repository.Snapshot is not { } snapshot)
        {
            return Nowhere(repository.IsBegun ? $"the repository {id} is in the Hugging Face cache without a revision" : $"the repository {id} is not in the Hugging Face cache", repository.Advice);
        }

        var files = ModelFiles.OfFolder(snapshot, kind, facts);
        files = files with { Missing = files.Missing ?? repository.Lacking(kind, facts) };
        return Found(files, files.Missing is null ? "" : repository.Advice);
    }

    private static ResolvedSource Found(ModelFiles files, string advice) => ResolvedSource.Of(files, advice);

    private static ResolvedSource Nowhere(string missing, string advice = "") => new(null, null, ResolvedSource.Sentence(missing) + advice);
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
