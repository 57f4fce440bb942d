using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>The models in the Hugging Face cache: repositories of GGUF files, and repositories in MLX or MLC form.</summary>
internal sealed class HuggingFaceCache(FactsCache facts) : IModelSource
{
    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings)
    {
        if (!settings.Discovery.HuggingFaceCache)
        {
            return [];
        }

        var resolver = new SourceResolver(settings, facts);
        return Bounded.SelectMany([.. HuggingFaceFolder.Of(settings).Repositories()], repository => ModelsOf(repository, resolver, settings));
    }

    private IEnumerable<ModelSpec?> ModelsOf(HuggingFaceRepository repository, SourceResolver resolver, ModelSettings settings)
    {
        var snapshot = repository.Snapshot;
        var files = snapshot is null ? [] : ModelFiles.Ggufs(snapshot).ToList();
        if (files.Count > 0)
        {
            return Ggufs(repository, snapshot!, files, resolver, settings);
        }

        if (snapshot is not null && FoundModel.IsModel(snapshot))
        {
            var kind = RunnerKindRule.ForWeights(snapshot, settings.OfferedKinds, facts);
            return [DiscoveredModel.Of(repository.Id, repository.Id, kind, resolver.Resolve(repository.Id, kind), settings)];
        }

        // Without weights it is a model only if some are on their way: others fetch a tokenizer or a configuration alone.
        return repository.HasUnfinished ? [Begun(repository, snapshot, settings)] : [];
    }

    private IEnumerable<ModelSpec?> Ggufs(HuggingFaceRepository repository, string snapshot, List<string> files, SourceResolver resolver, ModelSettings settings)
    {
        // One that is on its way is named by its file, even if it is the only one that will have been fetched.
        var coming = repository.UnfinishedGgufs(snapshot, facts).Where(name => !GgufName.Of(name).IsProjector).Select(name => GgufName.Of(name).Stem).Distinct(StringComparer.Ordinal)
            .Where(stem => !files.Exists(file => GgufName.Of(file).Stem == stem));

        // With several, each is a model of its own, and its file says which.
        var stems = files.DistinctBy(file => GgufName.Of(file).Stem, StringComparer.Ordinal).ToList();
        return (stems.Count == 1
                ? [DiscoveredModel.Of(repository.Id, repository.Id, KindNames.LlamaServer, resolver.Resolve(repository.Id, KindNames.LlamaServer), settings)]
                : stems.Select(file => DiscoveredModel.Of($"{repository.Id}/{GgufName.Of(file).Stem}", file, KindNames.LlamaServer, WithAdvice(ModelFiles.OfGguf(file, facts), repository), settings)))
            .Concat(coming.Select(stem => DiscoveredModel.Of($"{repository.Id}/{stem}", $"{repository.Id}/{stem}", KindNames.LlamaServer, Lacking($"the file {stem}.gguf is not wholly there", repository), settings)));
    }

    private ModelSpec? Begun(HuggingFaceRepository repository, string? snapshot, ModelSettings settings)
    {
        var read = snapshot is null ? null : facts.Mlx(snapshot).Facts;
        var isGguf = repository.Id.Contains("gguf", StringComparison.OrdinalIgnoreCase) || (snapshot is not null && repository.UnfinishedGgufs(snapshot, facts).Count > 0);
        var kind = isGguf ? KindNames.LlamaServer : RunnerKindRule.ForMlx(read, settings.OfferedKinds);
        return DiscoveredModel.Of(repository.Id, repository.Id, kind, Lacking("its weights are not there yet", repository) with { Facts = isGguf ? null : read }, settings);
    }

    private static ResolvedSource WithAdvice(ModelFiles files, HuggingFaceRepository repository) => ResolvedSource.Of(files, files.Missing is null ? "" : repository.Advice);

    private static ResolvedSource Lacking(string what, HuggingFaceRepository repository) => new(null, null, ResolvedSource.Sentence(what) + repository.Advice);
}
