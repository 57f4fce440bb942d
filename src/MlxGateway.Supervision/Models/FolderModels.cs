namespace MlxGateway.Supervision.Models;

/// <summary>The GGUF files in the folders of <c>Discovery:Folders</c> and the folders in them.</summary>
internal sealed class FolderModels : IModelSource
{
    // LM Studio keeps ORG/REPOSITORY/FILE below its folder; a little more is allowed for.
    private const int Depth = 5;
    private const int MostModels = 1000;

    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings)
    {
        if (!settings.OfferedKinds.Contains(KindNames.LlamaServer))
        {
            return [];
        }

        var files = settings.Discovery.Folders
            .Select(folder => PathText.Absolute(folder, settings))
            .OfType<string>()
            .SelectMany(folder => ModelFiles.Ggufs(folder, Depth))
            .Where(file => Disk.Length(file) is not null)
            .Distinct(StringComparer.Ordinal)
            .Take(MostModels)
            .ToList();

        return [.. Names(files).Where(named => ModelName.Fault(named.Id) is null).Select(named => Spec(named.Id, named.File))];
    }

    private static ModelSpec Spec(string id, string file)
    {
        var found = ModelFiles.OfGguf(file);
        return new ModelSpec
        {
            Id = id,
            Source = file,
            Path = found.Missing is null ? found.Path : null,
            Runner = KindNames.LlamaServer,
            Origin = ModelOrigin.Discovered,
            FileBytes = found.Bytes,
            Modalities = found.Modalities,
            Projector = found.Projector,
            Missing = found.Missing is { } missing ? ResolvedSource.Sentence(missing) : null,
        };
    }

    /// <summary>Names each file by its stem, and files of the same stem by as many folders in front of it as tell them apart.</summary>
    private static IEnumerable<(string Id, string File)> Names(IReadOnlyCollection<string> files)
    {
        foreach (var group in files.GroupBy(file => GgufName.Of(file).Stem, StringComparer.Ordinal))
        {
            var same = group.ToList();
            var folders = 0;
            while (same.Select(file => Name(file, folders)).Distinct(StringComparer.Ordinal).Count() < same.Count && folders < 100)
            {
                folders++;
            }

            foreach (var file in same)
            {
                yield return (Name(file, folders), file);
            }
        }
    }

    private static string Name(string file, int folders)
    {
        var parents = Path.GetDirectoryName(file)!.Split('/', StringSplitOptions.RemoveEmptyEntries).TakeLast(folders);
        return string.Join('/', parents.Append(GgufName.Of(file).Stem));
    }
}
