namespace MlxGateway.Supervision.Models;

/// <summary>Whose it is to keep a model's files.</summary>
public enum ModelKeeper
{
    /// <summary>The owner of the configuration, who named it there; or it has no files.</summary>
    Configuration,

    /// <summary>The Hugging Face cache.</summary>
    HuggingFaceCache,

    /// <summary>A folder of <c>Discovery:Folders</c>.</summary>
    Folder,

    /// <summary>Another program, which keeps books of its own.</summary>
    OtherProgram,
}

/// <summary>What became of a removal.</summary>
/// <param name="Freed">How many bytes came free.</param>
/// <param name="Refused">Why nothing was removed, as a sentence; null: it was removed.</param>
public sealed record ModelRemoval(ByteSize Freed, string? Refused)
{
    internal static ModelRemoval No(string why) => new(ByteSize.Zero, why);
}

/// <summary>
/// Takes models off the disk: those of the Hugging Face cache and of the folders of <c>Discovery:Folders</c>, and nothing else. Links are removed and never followed, so that nothing that lies
/// outside those folders is touched.
/// </summary>
public sealed class ModelRemover(ModelCatalog catalog)
{
    /// <summary>Whose it is to keep the model's files. Looks at names only.</summary>
    public ModelKeeper KeeperOf(ModelSpec model) =>
        model.Origin != ModelOrigin.Discovered || model.Source is null || catalog.Settings is not { } settings ? ModelKeeper.Configuration
        : RepositoryOf(model, settings) is not null ? ModelKeeper.HuggingFaceCache
        : FolderOf(model.Source, settings) is not null ? ModelKeeper.Folder
        : ModelKeeper.OtherProgram;

    /// <summary>Removes the model's files, if they may be removed, and has the catalog look again. Takes as long as the disk does.</summary>
    public ModelRemoval Remove(ModelSpec model)
    {
        if (catalog.Settings is not { } settings)
        {
            return ModelRemoval.No("There are no models yet.");
        }

        try
        {
            return KeeperOf(model) switch
            {
                ModelKeeper.HuggingFaceCache => RemoveCached(model, RepositoryOf(model, settings)!, settings),
                ModelKeeper.Folder => RemoveFrom(FolderOf(model.Source!, settings)!, model),
                ModelKeeper.OtherProgram => ModelRemoval.No($"{model.Source} is kept by another program; remove it there."),
                _ => ModelRemoval.No("it is an entry of the configuration, and only what was found on the disk is removed."),
            };
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            return ModelRemoval.No($"the disk refused it: {failed.Message}");
        }
        finally
        {
            catalog.Rebuild();
        }
    }

    private ModelRemoval RemoveCached(ModelSpec model, string repository, ModelSettings settings)
    {
        var hub = Disk.Real(HuggingFaceFolder.Of(settings).Path);
        var folder = Path.Combine(hub ?? "", "models--" + repository.Replace("/", "--", StringComparison.Ordinal));
        if (hub is null || Disk.Real(folder) != folder)
        {
            return ModelRemoval.No($"{folder} is a link, or lies outside the cache.");
        }

        if (model.Id == repository)
        {
            return OthersIn(folder, model) is { } other ? ModelRemoval.No($"'{other.Id}' uses the same files.") : new ModelRemoval(RemoveTree(folder), null);
        }

        // One of several GGUF files: the others stay, with all that they share with it.
        if (model.Path is not { } file)
        {
            return ModelRemoval.No("it is not wholly there; a download that is not finished is removed with its repository.");
        }

        var freed = ByteSize.Zero;
        foreach (var part in GgufName.Of(file).SeriesOf(file).Where(part => IsBelow(folder, part)))
        {
            var blob = new FileInfo(part).LinkTarget is null ? null : Disk.Real(part);
            freed += RemoveFile(part);
            if (blob is not null && IsBelow(Path.Combine(folder, "blobs"), blob) && !IsLinked(Path.Combine(folder, "snapshots"), blob))
            {
                freed += RemoveFile(blob);
            }
        }

        return new ModelRemoval(freed, null);
    }

    private ModelRemoval RemoveFrom(string root, ModelSpec model)
    {
        var source = model.Source!;
        if (Disk.IsFolder(source))
        {
            return Disk.Real(source) != source ? ModelRemoval.No($"{source} is a link.")
                : OthersIn(source, model) is { } inside ? ModelRemoval.No($"'{inside.Id}' lies in the same folder.")
                : new ModelRemoval(RemoveTree(source), null);
        }

        if (catalog.Current.Models.FirstOrDefault(m => m.Id != model.Id && m.Path == model.Path && m.Path is not null) is { } same)
        {
            return ModelRemoval.No($"'{same.Id}' uses the same files.");
        }

        var freed = ByteSize.Zero;
        foreach (var part in GgufName.Of(source).SeriesOf(source))
        {
            freed += RemoveFile(part);
        }

        // What shows images to this one may show them to its neighbours.
        var home = Path.GetDirectoryName(source)!;
        if (model.Projector is { } projector && Path.GetDirectoryName(projector) == home && !catalog.Current.Models.Any(m => m.Id != model.Id && m.Projector == projector))
        {
            freed += RemoveFile(projector);
        }

        if (home != root && !Directory.EnumerateFileSystemEntries(home).Any())
        {
            Directory.Delete(home);
        }

        return new ModelRemoval(freed, null);
    }

    // The repository that the model was found in; null: in none.
    private static string? RepositoryOf(ModelSpec model, ModelSettings settings)
    {
        if (HuggingFaceFolder.IsRepositoryId(model.Source!))
        {
            return model.Source;
        }

        var hub = HuggingFaceFolder.Of(settings).Path;
        var at = Path.IsPathRooted(model.Source) ? Inside(Disk.Real(hub) ?? hub, model.Source) : null;
        var name = at?.Split('/')[0];
        return name?.StartsWith("models--", StringComparison.Ordinal) == true ? name["models--".Length..].Replace("--", "/", StringComparison.Ordinal)
            : model.Missing is not null && model.Source!.LastIndexOf('/') is > 0 and var end && HuggingFaceFolder.IsRepositoryId(model.Source[..end]) ? model.Source[..end]
            : null;
    }

    // The real path of the folder of the configuration that the model lies in; null: in none.
    private static string? FolderOf(string source, ModelSettings settings) => settings.Discovery.Folders
        .Select(folder => PathText.Absolute(folder, settings))
        .OfType<string>()
        .Select(Disk.Real)
        .FirstOrDefault(root => root is not null && IsBelow(root, source));

    private static bool IsBelow(string folder, string path) => Inside(folder, path) is not null;

    private static string? Inside(string folder, string path)
    {
        var from = folder.TrimEnd('/') + '/';
        return path.Length > from.Length && path.StartsWith(from, StringComparison.Ordinal) && !path.Contains("/../", StringComparison.Ordinal) ? path[from.Length..] : null;
    }

    private ModelSpec? OthersIn(string folder, ModelSpec model) =>
        catalog.Current.Models.FirstOrDefault(other => other.Id != model.Id && other.Path is { } path && (path == folder || IsBelow(folder, Disk.Real(path) ?? path) || IsBelow(folder, path)));

    private static bool IsLinked(string snapshots, string blob) => Directory.Exists(snapshots)
        && new DirectoryInfo(snapshots).EnumerateDirectories().Where(static commit => commit.LinkTarget is null)
            .SelectMany(static commit => Files(commit)).Any(file => file.LinkTarget is not null && Disk.Real(file.FullName) == blob);

    private static ByteSize RemoveFile(string path)
    {
        var file = new FileInfo(path);
        var freed = new ByteSize(file.LinkTarget is null && file.Exists ? file.Length : 0);
        file.Delete();
        return freed;
    }

    private static ByteSize RemoveTree(string folder)
    {
        var freed = new ByteSize(Files(new DirectoryInfo(folder)).Sum(static file => file.LinkTarget is null ? file.Length : 0));
        Directory.Delete(folder, recursive: true); // removes links and does not follow them
        return freed;
    }

    // A link to a folder is a file here: nothing behind it is looked at.
    private static IEnumerable<FileInfo> Files(DirectoryInfo folder)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo { LinkTarget: null } inner)
            {
                foreach (var file in Files(inner))
                {
                    yield return file;
                }
            }
            else
            {
                yield return entry as FileInfo ?? new FileInfo(entry.FullName);
            }
        }
    }
}
