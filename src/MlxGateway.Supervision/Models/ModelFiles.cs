using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>What a runner would load from a file or folder.</summary>
/// <param name="Path">What the runner is given.</param>
/// <param name="Bytes">The bytes of all files that would be loaded; null where none could be found.</param>
/// <param name="Missing">What is not there, without the end of the sentence; null if all is.</param>
internal sealed record ModelFiles(string Path, ByteSize? Bytes, string? Missing)
{
    private const int GgufDepth = 2;

    /// <summary>What the files say of their model; null if they say nothing.</summary>
    public ModelFacts? Facts { get; init; }

    /// <summary>What the model may be sent.</summary>
    public ValueList<string> Modalities { get; init; } = Modality.TextAlone;

    /// <summary>The GGUF file that gives it images or sound, which is among <see cref="Bytes"/>; null if there is none.</summary>
    public string? Projector { get; init; }

    /// <summary>What that file says; null if there is none, or it says nothing.</summary>
    public ModelFacts? ProjectorFacts { get; init; }

    /// <summary>The GGUF files in a folder that models are launched with: first those that are there, then those nearer to the top. One that is missing from its series is among them.</summary>
    public static IEnumerable<string> Ggufs(string folder) =>
        FileWalk.From(folder, GgufDepth, static name => name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)).Folders.SelectMany(FoundModel.Firsts).OrderBy(path => Disk.Length(path) is null);

    /// <summary>What a GGUF file and the rest of its series hold, with the projector that lies beside it.</summary>
    public static ModelFiles OfGguf(string file, FactsCache facts) => OfGguf(file, Supervision.Models.Projector.Beside(file), facts);

    /// <summary>What a GGUF file and the rest of its series hold.</summary>
    /// <param name="file">The first of its series.</param>
    /// <param name="projector">What gives it images or sound; null if nothing does.</param>
    /// <param name="facts">Reads it.</param>
    public static ModelFiles OfGguf(string file, string? projector, FactsCache facts)
    {
        var files = OfFiles(file, [.. GgufName.Of(file).SeriesOf(file), .. projector is null ? Array.Empty<string>() : [projector]], needed: true);
        var read = Disk.CanRead(file) ? facts.Gguf(file) : null;
        return files with
        {
            Missing = files.Missing ?? read?.Fault,
            Facts = read?.Facts,
            Projector = projector,
            ProjectorFacts = projector is null ? null : facts.Gguf(projector).Facts,
            Modalities = projector is null ? Modality.TextAlone : facts.Projector(projector) ?? Modality.Of(sees: true, hears: false),
        };
    }

    /// <summary>What a kind loads from a folder.</summary>
    public static ModelFiles OfFolder(string folder, string kind, FactsCache facts) => kind switch
    {
        KindNames.LlamaServer => Ggufs(folder).FirstOrDefault() is { } first ? OfGguf(first, facts) : new ModelFiles(folder, null, $"there is no .gguf file in {folder}"),
        KindNames.MlxLm => OfMlx(folder, facts),
        KindNames.MlxVlm => OfMlx(folder, facts) is var files ? files with { Modalities = files.Facts?.Modalities ?? Modality.TextAlone } : files,
        KindNames.MlcLlm => OfMlc(folder, facts),
        _ => OfFiles(folder, [.. FileWalk.Find(folder, ".safetensors", 0), .. FileWalk.Find(folder, ".bin", 0), .. FileWalk.Find(folder, ".gguf", 0)], needed: false),
    };

    private static ModelFiles OfMlx(string folder, FactsCache facts)
    {
        var read = facts.Mlx(folder);
        var files = OfFiles(folder, FileWalk.Find(folder, ".safetensors", depth: 0).Where(file => Disk.Length(file) is not null), needed: read.Fault is null);
        return files with { Missing = read.Fault is { } fault ? $"in {folder}, {fault}" : files.Missing, Bytes = read.Fault is null ? read.Facts?.TensorBytes ?? files.Bytes : null, Facts = read.Facts };
    }

    private static ModelFiles OfMlc(string folder, FactsCache facts)
    {
        var read = facts.Mlc(folder);
        return new ModelFiles(folder, read.Fault is null ? read.Facts?.TensorBytes : null, read.Fault is { } fault ? $"in {folder}, {fault}" : null) { Facts = read.Facts };
    }

    private static ModelFiles OfFiles(string path, IEnumerable<string> files, bool needed)
    {
        long bytes = 0;
        foreach (var file in files)
        {
            if (Disk.Length(file) is { } length)
            {
                bytes += length;
            }
            else if (needed)
            {
                return new ModelFiles(path, null, $"the file {file} does not exist or is empty");
            }

            if (needed && !Disk.CanRead(file))
            {
                return new ModelFiles(path, null, $"the file {file} cannot be read by the user that the gateway runs as");
            }
        }

        return new ModelFiles(path, bytes > 0 ? new ByteSize(bytes) : null, null);
    }
}
