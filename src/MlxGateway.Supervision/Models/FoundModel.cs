using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Something on the disk that looks like a model: a GGUF file, the first of its series, or a folder in MLX form, which may be that of an image generator, or in MLC form.</summary>
/// <param name="Path">Its real path. A file that is missing from its series is named too.</param>
/// <param name="IsFolder">Whether it is a folder in MLX or MLC form.</param>
internal readonly record struct FoundModel(string Path, bool IsFolder)
{
    private const string Config = "config.json";
    private const string Index = "model.safetensors.index.json";
    private const string Pipeline = MlxPipeline.Index; // of an image generator, whose parts lie in folders of their own

    /// <summary>What it is called where it lies.</summary>
    public string Name => IsFolder ? System.IO.Path.GetFileName(Path) : GgufName.Of(Path).Stem;

    /// <summary>The folder that it lies in.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The models in a folder and the folders in it, those nearer to the top first.</summary>
    public static IReadOnlyList<FoundModel> In(string folder, int depth)
    {
        var found = new List<FoundModel>();
        var closed = new List<string>();
        foreach (var at in FileWalk.From(folder, depth, IsOfInterest).Folders)
        {
            // Of a pipe, or a link that leads nowhere, there is nothing at all.
            found.AddRange(Firsts(at).Where(first => GgufName.Of(first).SeriesOf(first).Any(file => Disk.Length(file) is not null)).Select(file => new FoundModel(file, IsFolder: false)));
            var isPipeline = at.Files.Contains(Pipeline);
            if (!closed.Exists(parent => at.Path.StartsWith(parent, StringComparison.Ordinal)) && (isPipeline || IsModel(at)))
            {
                // What lies below is a part of this one.
                closed.Add(at.Path + '/');
                found.Add(new FoundModel(at.Path, IsFolder: true));
            }
        }

        return found;
    }

    /// <summary>Whether the folder has the files of a model in MLX or MLC form, or some of them.</summary>
    public static bool IsModel(string folder) => FileWalk.From(folder, 0, IsOfInterest).Folders is [var only] && (IsModel(only) || only.Files.Contains(Pipeline));

    /// <summary>The model as it may be served; null if nobody could serve it.</summary>
    /// <param name="id">What clients shall call it.</param>
    /// <param name="advice">What to do if files are missing, with a blank in front.</param>
    /// <param name="facts">Reads its files.</param>
    /// <param name="settings">Says which kinds there are.</param>
    public ModelSpec? Spec(string id, string advice, FactsCache facts, ModelSettings settings)
    {
        var kind = IsFolder ? RunnerKindRule.ForWeights(Path, settings.OfferedKinds, facts) : KindNames.LlamaServer;
        return !settings.OfferedKinds.Contains(kind) ? null
            : DiscoveredModel.Of(id, Path, kind, ResolvedSource.Of(IsFolder ? ModelFiles.OfFolder(Path, kind, facts) : ModelFiles.OfGguf(Path, facts), advice), settings);
    }

    private static bool IsModel(WalkedFolder folder) => Has(folder, MlcFacts.Config) || IsMlx(folder);

    private static bool Has(WalkedFolder folder, string name) => folder.Files.Contains(name) && Disk.Length(System.IO.Path.Combine(folder.Path, name)) is not null;

    private static bool IsMlx(WalkedFolder folder) =>
        Has(folder, Config) && folder.Files.Any(name => name == Index || name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase));

    /// <summary>The files that models are launched with, each with its whole series, whether it is there itself or only one of the others.</summary>
    public static IEnumerable<string> Firsts(WalkedFolder folder) => folder.Paths
        .Where(path => path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        .Select(path => (Path: path, Name: GgufName.Of(path)))
        .Where(file => !file.Name.IsProjector)
        .Select(file => file.Name.Number == 1 ? file.Path : file.Name.SeriesOf(file.Path).First())
        .Distinct(StringComparer.Ordinal);

    private static bool IsOfInterest(ReadOnlySpan<char> name) =>
        name is Config or Index or Pipeline or MlcFacts.Config || name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase);
}
