using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>The models of <c>MlxGateway:Models</c>. The one place where what is written becomes a <see cref="ModelSpec"/>.</summary>
internal sealed class ConfiguredModels(FactsCache facts) : IModelSource
{
    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings)
    {
        var resolver = new SourceResolver(settings, facts);
        return [.. settings.Models
            .Select(entry => (entry.Key, entry.Value, kind: RunnerKindRule.For(entry.Value, resolver, settings.OfferedKinds)))
            .Where(model => model.kind is not null) // without one it is among the errors of ModelRules
            .Select(model => Convert(model.Key, model.Value, model.kind!, resolver, settings))];
    }

    private static ModelSpec Convert(string id, ModelOptions options, string kind, SourceResolver resolver, ModelSettings settings)
    {
        var resolved = options.Source is { } source ? resolver.Resolve(source, kind) : null;
        var distributed = DistributedRules.SpecOf(options, settings, out var noHosts);
        var mlc = kind == KindNames.MlcLlm ? new MlcSource(resolver, settings) : null;
        var spec = new ModelSpec
        {
            Id = id,
            Source = options.Source,
            Path = resolved?.Path,
            Runner = kind,
            Origin = ModelOrigin.Configured,
            Name = options.Name,
            Aliases = ValueList.From(options.Aliases.Distinct(StringComparer.Ordinal).Where(alias => alias != id)),
            Memory = options.Memory,
            Context = options.Context,
            ContextOverflow = options.ContextOverflow,
            ToolFormat = options.ToolFormat,
            FileBytes = resolved?.Bytes,
            Facts = resolved?.Facts,
            Modalities = resolved?.Modalities ?? Modality.TextAlone,
            Projector = resolved?.Projector,
            ProjectorFacts = resolved?.ProjectorFacts,
            Missing = noHosts ?? (NeedsFiles(options, kind) ? resolved?.Missing : null) ?? mlc?.Missing(options),
            Args = ValueList.From(options.Args),
            Env = new ValueMap(options.Env),
            WorkingDirectory = options.WorkingDirectory is { } folder ? PathText.Absolute(folder, settings) : null,
            Command = ValueList.From(options.Command),
            ReadyPath = options.ReadyPath,
            UpstreamModel = options.UpstreamModel,
            MaxConcurrency = options.Distributed is null ? options.MaxConcurrency : 1, // ranks lose step over requests that overlap
            Distributed = distributed,
            IdleTimeout = options.IdleTimeout,
            Pinned = options.Pinned,
            Priority = options.Priority,
            Group = options.Group,
            ExclusiveWith = ValueList.From(options.ExclusiveWith),
            Preload = options.Preload,
            Download = options.Download ?? settings.Discovery.Download,
            Progress = options.Progress,
            Mlc = mlc?.Settings(options),
            Fields = FieldsOf(options),
        };
        return kind == KindNames.LlamaServer ? LlamaModel.WithItsFiles(spec, resolver.Facts) : spec;
    }

    private static RequestFields FieldsOf(ModelOptions options) => new()
    {
        Defaults = Map(options.Defaults),
        Forced = Map(options.Forced),
        Forbidden = ValueList.From(options.Forbidden),
        SystemPrompt = string.IsNullOrWhiteSpace(options.SystemPrompt) ? null : options.SystemPrompt,
    };

    private static ValueMap Map(Dictionary<string, JsonText> fields) => new(fields.Select(field => KeyValuePair.Create(field.Key, field.Value.Json)));

    // A command may fetch its model by itself, unless it is told where the files are.
    private static bool NeedsFiles(ModelOptions options, string kind) =>
        KindNames.NeedsSource(kind) || (kind == KindNames.Command && options.Command.Exists(argument => argument.Contains("{path}", StringComparison.Ordinal)));
}
