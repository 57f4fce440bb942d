namespace MlxGateway.Supervision.Models;

/// <summary>The models in the Hugging Face cache: repositories of GGUF files, and repositories in MLX form.</summary>
internal sealed class HuggingFaceCache : IModelSource
{
    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings)
    {
        if (!settings.Discovery.HuggingFaceCache)
        {
            return [];
        }

        var cache = HuggingFaceFolder.Of(settings);
        var resolver = new SourceResolver(settings);
        return [.. cache.Repositories()
            .SelectMany(repository => cache.Snapshot(repository) is { } snapshot ? ModelsOf(repository, snapshot, resolver, settings.OfferedKinds) : [])
            .Where(model => settings.OfferedKinds.Contains(model.Runner) && ModelName.Fault(model.Id) is null)];
    }

    private static IEnumerable<ModelSpec> ModelsOf(string repository, string snapshot, SourceResolver resolver, IReadOnlyList<string> offered)
    {
        var files = ModelFiles.Ggufs(snapshot).ToList();
        if (files.Count == 0)
        {
            // What only measures or ranks texts cannot chat, and an adapter is no model by itself.
            return ModelFiles.IsMlx(snapshot) && ModelConfig.Read(snapshot) is { Generates: true } config ? [Spec(repository, repository, RunnerKindRule.ForMlx(config, offered), resolver)] : [];
        }

        // With several, each is a model of its own, and its file says which.
        return files.Count == 1
            ? [Spec(repository, repository, KindNames.LlamaServer, resolver)]
            : files.DistinctBy(file => GgufName.Of(file).Stem, StringComparer.Ordinal).Select(file => Spec($"{repository}/{GgufName.Of(file).Stem}", file, KindNames.LlamaServer, resolver));
    }

    private static ModelSpec Spec(string id, string source, string kind, SourceResolver resolver)
    {
        var resolved = resolver.Resolve(source, kind);
        return new ModelSpec
        {
            Id = id,
            Source = source,
            Path = resolved.Path,
            Runner = kind,
            Origin = ModelOrigin.Discovered,
            FileBytes = resolved.Bytes,
            Modalities = resolved.Modalities,
            Projector = resolved.Projector,
            Missing = resolved.Missing,
        };
    }
}
