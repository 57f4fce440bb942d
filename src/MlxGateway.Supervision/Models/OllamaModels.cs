namespace MlxGateway.Supervision.Models;

/// <summary>The models that Ollama has fetched and that are GGUF files: <c>manifests/REGISTRY/NAMESPACE/MODEL/TAG</c> names files in <c>blobs</c>.</summary>
internal sealed class OllamaModels(FactsCache facts) : IModelSource
{
    /// <summary>How many folders lie between the root and a manifest.</summary>
    public const int Depth = 4;

    private const string Registry = "registry.ollama.ai";
    private const string Library = "library";
    private static readonly string[] ManifestFolders = ["manifests", "manifests-v2"];

    /// <summary>The folders that Ollama keeps models in, whether they are there or not: this user's, and those of the service that its installer sets up on Linux.</summary>
    public static IEnumerable<string> Folders(ModelSettings settings) =>
        new[] { settings.Variable("OLLAMA_MODELS") is { Length: > 0 } chosen ? chosen : "~/.ollama/models", Path.Combine(settings.SharedFolder, "ollama/.ollama/models") }
            .Select(folder => PathText.Absolute(folder, settings))
            .OfType<string>()
            .Distinct(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings) => settings.Discovery.Ollama && settings.OfferedKinds.Contains(KindNames.LlamaServer)
        ? [.. Folders(settings).Where(Disk.IsFolder).SelectMany(root => In(root, settings))]
        : [];

    private IReadOnlyList<ModelSpec> In(string root, ModelSettings settings)
    {
        var manifests =
            from name in ManifestFolders
            let top = Path.Combine(root, name)
            where Disk.IsFolder(top)
            let real = Disk.Real(top)
            from folder in FileWalk.From(real, Depth - 1, static _ => true).Folders
            from file in folder.Paths
            let parts = Path.GetRelativePath(real, file).Split('/')
            where parts.Length == Depth
            select (Id: Name(parts), File: file);
        return Bounded.SelectMany([.. manifests], found => [Spec(found.Id, facts.Manifest(found.File), Path.Combine(root, "blobs"), settings)]);
    }

    private ModelSpec? Spec(string id, OllamaManifest? manifest, string blobs, ModelSettings settings)
    {
        if (manifest?.Model is not { } model)
        {
            return null;
        }

        var file = Path.Combine(blobs, model.Blob);
        var files = ModelFiles.OfGguf(file, manifest.Projector is { } projector ? Path.Combine(blobs, projector.Blob) : null, facts);
        var cut = manifest.Adapters.Append(model).FirstOrDefault(layer => Disk.Length(Path.Combine(blobs, layer.Blob)) is var length && (length is null || (layer.Size is { } size && size != length)));
        files = files with { Missing = files.Missing ?? (cut.Blob is null ? null : $"the file {Path.Combine(blobs, cut.Blob)} is not whole") };

        // Its adapters are part of what it is: without them it would be another model under its name.
        return DiscoveredModel.Of(id, file, KindNames.LlamaServer, ResolvedSource.Of(files, $" Fetch it with: ollama pull {id}"), settings) is { } spec
            ? LlamaModel.WithItsFiles(spec with { Args = ValueList.From(manifest.Adapters.SelectMany(adapter => new[] { "--lora", Path.Combine(blobs, adapter.Blob) })) }, facts)
            : null;
    }

    // As Ollama itself calls it: what is usual is left out in front.
    private static string Name(string[] parts) => parts switch
    {
        [Registry, Library, var model, var tag] => $"{model}:{tag}",
        [Registry, var space, var model, var tag] => $"{space}/{model}:{tag}",
        _ => $"{parts[0]}/{parts[1]}/{parts[2]}:{parts[3]}",
    };
}
