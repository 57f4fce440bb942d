using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Listing;

/// <summary>Turns what is known of a model into what clients are told. Pure.</summary>
internal static class Entries
{
    private const int BytesPerValue = 2;

    /// <summary>The model's entry in the list.</summary>
    public static ModelEntry Entry(KnownModel known, DateTimeOffset now)
    {
        var (model, facts) = (known.Model, known.Model.Facts);
        var capabilities = Capability.Of(known);
        return new ModelEntry
        {
            Id = model.Id,
            Created = known.FirstSeen.ToUnixTimeSeconds(),
            Name = known.Name,
            Aliases = [.. model.Aliases],
            Loaded = known.Resident is { State: ResidentState.Ready },
            Status = Statuses.Of(known, now),
            ContextWindow = known.Context,
            Meta = new ModelMeta
            {
                NCtx = known.Context,
                NCtxTrain = facts?.ContextWindow,
                NParams = facts?.Parameters,
                Size = (facts?.TensorBytes ?? model.FileBytes)?.Bytes,
                NVocab = facts?.VocabularySize,
                NEmbd = facts?.HiddenSize,
            },
            Capabilities = capabilities,
            Architecture = new ModelArchitecture([.. model.Modalities], Output(facts?.Use)),
            Quantization = facts?.Quantisation,
            Parameters = facts?.Parameters,
            SizeBytes = model.FileBytes?.Bytes,
            Runner = model.Runner,
            Tags = Capability.Special(capabilities),
            Fit = known.Fit is { } fit ? Answer(fit) : null,
            Info = OpenWebUiInfo.Of(known),
        };
    }

    /// <summary>All that is said of the model.</summary>
    public static ModelRecord Record(KnownModel known, DateTimeOffset now)
    {
        var entry = Entry(known, now);
        return new ModelRecord
        {
            Id = entry.Id,
            Created = entry.Created,
            Name = entry.Name,
            Aliases = entry.Aliases,
            Loaded = entry.Loaded,
            Status = entry.Status,
            ContextWindow = entry.ContextWindow,
            Meta = entry.Meta,
            Capabilities = entry.Capabilities,
            Architecture = entry.Architecture,
            Quantization = entry.Quantization,
            Parameters = entry.Parameters,
            SizeBytes = entry.SizeBytes,
            Runner = entry.Runner,
            Tags = entry.Tags,
            Fit = entry.Fit,
            Info = entry.Info,
            Origin = Word(known.Model.Origin),
            Source = known.Model.Source,
            Missing = known.Model.Missing,
            Pinned = known.Model.Pinned,
            Facts = known.Model.Facts is { } facts ? Answer(facts) : null,
            Memory = known.Need is { } need ? Answer(need) : null,
        };
    }

    private static IReadOnlyList<string> Output(ModelUse? use) => use switch
    {
        ModelUse.Embedding => ["embeddings"],
        ModelUse.Speech => [Modality.Audio],
        ModelUse.Images => [Modality.Image],
        ModelUse.Other or ModelUse.Adapter => [],
        _ => [Modality.Text],
    };

    private static FitAnswer Answer(ModelFit fit) => new(
        fit.Value switch
        {
            Fit.Loaded => "loaded",
            Fit.Fits => "fits",
            Fit.FitsAfterSwap => "fits_after_swap",
            Fit.FitsWithLessContext => "fits_with_less_context",
            Fit.DoesNotFitNow => "does_not_fit_now",
            _ => "never",
        },
        fit.Message,
        fit.OthersGoFirst,
        fit.Figures.Required.Bytes,
        fit.Figures.Budget.Bytes,
        fit.Figures.Available.Bytes,
        fit.Figures.Evictable.Bytes);

    private static FactsAnswer Answer(ModelFacts facts) => new()
    {
        Use = Word(facts.Use),
        Architecture = facts.Architecture,
        ContextWindow = facts.ContextWindow,
        HasChatTemplate = facts.HasChatTemplate,
        TakesTools = facts.TakesTools,
        Thinks = facts.Thinks,
        TensorBytes = facts.TensorBytes?.Bytes,
        TowerBytes = facts.TowerBytes.Bytes,
        HiddenSize = facts.HiddenSize,
        FeedForwardSize = facts.FeedForwardSize,
        AttentionHeads = facts.AttentionHeads,
        VocabularySize = facts.VocabularySize,
        Cache = facts.Cache is { } cache
            ? new CacheAnswer(cache.Layers.Sum(l => l.Count), cache.ValuesPerToken * BytesPerValue, cache.LastingValuesPerToken * BytesPerValue, cache.State.Bytes)
            : null,
    };

    private static MemoryAnswer Answer(MemoryNeed need) => new(
        need.Total.Bytes,
        need.Reason,
        [.. need.Parts.Select(p => new PartAnswer(p.Name, p.Bytes.Bytes))],
        need.Estimate?.Bytes,
        need.Observed?.Bytes,
        need is { Estimate: { } estimate, Observed: { Bytes: > 0 } observed } ? Math.Round((estimate - observed).Bytes / (double)observed.Bytes, 3) : null,
        new ShapeAnswer(need.Shape.Context, need.Shape.Conversations, Word(need.Shape.CacheFormat), need.Shape.PromptCache?.Bytes, need.Shape.Lowered));

#pragma warning disable CA1308 // The contract writes such words in lower case.
    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
#pragma warning restore CA1308
}
