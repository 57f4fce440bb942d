namespace MlxGateway.Supervision.Models;

/// <summary>A folder in which a change may change the models.</summary>
/// <param name="Folder">The folder, which may not be there yet.</param>
/// <param name="Depth">How many folders deep.</param>
/// <param name="Wanted">Which of its files may be changed in place; others only come and go.</param>
internal readonly record struct ModelPlace(string Folder, int Depth, NameFilter Wanted);

/// <summary>Says where a change may change the models.</summary>
internal static class ModelPlaces
{
    private const int FolderDepth = 2;
    private const int RepositoryDepth = 3;

    /// <summary>All places that the settings name or imply, each once.</summary>
    public static IReadOnlyList<ModelPlace> Of(ModelSettings settings)
    {
        var discovery = settings.Discovery;
        var sources = settings.Models.Values.Select(model => model.Source).OfType<string>().ToList();
        var places = new List<ModelPlace>();
        if (discovery.HuggingFaceCache || sources.Exists(HuggingFaceFolder.IsRepositoryId))
        {
            // Its tools write every file beside and rename it when it is whole, but for the name of the revision.
            places.Add(new ModelPlace(HuggingFaceFolder.Of(settings).Path, RepositoryDepth, static name => name is "main"));
        }

        places.AddRange(discovery.Folders.Select(folder => PathText.Absolute(folder, settings)).OfType<string>().Select(folder => new ModelPlace(folder, FolderModels.Depth, IsOfModels)));
        places.AddRange(discovery.LmStudio ? LmStudioModels.Folders(settings).Select(folder => new ModelPlace(folder, FolderModels.Depth, IsOfModels)) : []);
        places.AddRange(discovery.Ollama ? OllamaModels.Folders(settings).Select(folder => new ModelPlace(folder, OllamaModels.Depth, static name => !name.StartsWith("sha256"))) : []);
        places.AddRange(sources.Select(source => PathText.Absolute(source, settings)).OfType<string>().Select(path => Disk.IsFolder(path)
            ? new ModelPlace(path, FolderDepth, IsOfModels)
            : new ModelPlace(Path.GetDirectoryName(path) ?? path, 0, IsOfModels)));
        places.AddRange(settings.Models.Values.SelectMany(model => LlamaModel.FoldersBeside(model, settings)).Select(folder => new ModelPlace(folder, 0, IsOfModels)));
        return [.. places.DistinctBy(place => place.Folder)];
    }

    private static bool IsOfModels(ReadOnlySpan<char> name) =>
        name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".json", StringComparison.OrdinalIgnoreCase);
}
