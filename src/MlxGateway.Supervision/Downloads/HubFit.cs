using System.Globalization;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Downloads;

/// <summary>Says whether a model of the Hub would run here, by what the Hub says of it. A judgement of this machine and not of this moment: what is loaded now can leave.</summary>
internal sealed class HubFit(ModelCatalog catalog, IMemoryGauge gauge)
{
    // What the engines are for; of other models nobody here knows what becomes of them.
    private static readonly string[] Uses = ["text-generation", "text2text-generation", "image-text-to-text", "any-to-any", "audio-text-to-text", "video-text-to-text", "visual-question-answering"];
    private static readonly string[] UsesOfLlamaServer = ["feature-extraction", "sentence-similarity", "text-ranking", "text-classification"];

    private static readonly Dictionary<string, ModelUse> UsesOfMlxVlm = new(StringComparer.Ordinal)
    {
        ["feature-extraction"] = ModelUse.Embedding, ["sentence-similarity"] = ModelUse.Embedding, ["text-ranking"] = ModelUse.Reranking,
        ["automatic-speech-recognition"] = ModelUse.Transcription, ["text-to-speech"] = ModelUse.Speech,
    };

    private static readonly string[] Seeing = ["image-text-to-text", "any-to-any", "audio-text-to-text", "video-text-to-text", "visual-question-answering"];

    /// <summary>Judges all of one answer by one reading of the machine.</summary>
    public IReadOnlyList<HubModel> Judge(IReadOnlyList<HubEntry> entries)
    {
        var ceiling = gauge.Observe([]).Ceiling;
        return [.. entries.Where(e => !string.IsNullOrEmpty(e.Id)).Select(e => Judge(e, ceiling))];
    }

    private HubModel Judge(HubEntry entry, ByteSize ceiling)
    {
        var files = entry.Siblings?.Select(file => file.Rfilename).OfType<string>().ToList() ?? [];
        var ggufs = files.Where(file => file.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && !GgufName.Of(file).IsProjector).ToList();
        var isMlx = files.Contains("config.json") && files.Exists(file => file.EndsWith(".safetensors", StringComparison.Ordinal) && !file.Contains('/', StringComparison.Ordinal));
        if (files.Count == 0)
        {
            return Say(entry, null, null, "The Hub does not say which files it has.");
        }

        if (ggufs.Count == 0 && !isMlx && files.Contains(MlcFacts.Config))
        {
            return IsHere(KindNames.MlcLlm) ? Say(entry, null, null, "The Hub does not say how large its weights are.") : Say(entry, null, false, $"It needs {KindNames.MlcLlm}, which is not on this machine.");
        }

        if (ggufs.Count == 0 && !isMlx)
        {
            return Say(entry, null, false, "It has neither GGUF files, nor safetensors with a config.json, nor anything in MLC's form, so no engine here can serve it.");
        }

        var asGguf = ggufs.Count > 0 && (!isMlx || !(IsHere(KindNames.MlxLm) || IsHere(KindNames.MlxVlm)));
        var best = asGguf ? GgufQuantisation.BestOf(ggufs) : null;
        var size = asGguf
            ? best is { } form && entry.Gguf?.Total is > 0 and { } parameters && parameters < 1L << 50 ? new ByteSize((long)(parameters * form.Bits / 8)) : default(ByteSize?)
            : entry.Safetensors?.Parameters is { } tensors && GgufQuantisation.BytesOf(tensors) is { } bytes ? new ByteSize(bytes) : null;
        size ??= Sum(entry, asGguf ? file => ggufs.Contains(file) && (ggufs.Count == 1 || GgufQuantisation.Of(GgufName.Of(file).Stem) == best?.Name) : static file => file.EndsWith(".safetensors", StringComparison.Ordinal) && !file.Contains('/', StringComparison.Ordinal));
        var kind = asGguf ? KindNames.LlamaServer : Seeing.Contains(entry.PipelineTag) || UsesOfMlxVlm.ContainsKey(entry.PipelineTag ?? "") ? KindNames.MlxVlm : KindNames.MlxLm;
        return Judge(entry, kind, size, best?.Name, ceiling);
    }

    private HubModel Judge(HubEntry entry, string kind, ByteSize? size, string? form, ByteSize ceiling)
    {
        if (!IsHere(kind) && !(kind == KindNames.MlxVlm && Seeing.Contains(entry.PipelineTag) && IsHere(KindNames.MlxLm)))
        {
            return Say(entry, size, false, $"It needs {kind}, which is not on this machine.");
        }

        if (entry.PipelineTag is { } use && !Uses.Contains(use) && !(kind == KindNames.LlamaServer && UsesOfLlamaServer.Contains(use)) && !(kind == KindNames.MlxVlm && UsesOfMlxVlm.ContainsKey(use)))
        {
            return Say(entry, size, null, $"It is for {use}, and whether an engine here can serve that is not known.");
        }

        if (size is not { } weights)
        {
            return Say(entry, null, null, "The Hub does not say how large its weights are.");
        }

        var need = gauge.NeedsOf(new ModelSpec
        {
            Id = entry.Id!,
            Runner = kind,
            FileBytes = weights,
            Facts = new ModelFacts { Use = kind == KindNames.MlxVlm ? UsesOfMlxVlm.GetValueOrDefault(entry.PipelineTag ?? "") : ModelUse.Chat, TensorBytes = weights, ContextWindow = entry.Gguf?.ContextLength is > 0 and <= int.MaxValue and var context ? (int)context : null },
        }).Least.Total;
        var written = form is null ? "" : string.Create(CultureInfo.InvariantCulture, $" as {form}");
        var about = $"It takes about {need} of memory{written}, and models may use {ceiling} on this machine.";
        return need > ceiling ? Say(entry, size, false, about)
            : kind != KindNames.LlamaServer && entry.Tags?.Contains("mlx") != true ? Say(entry, size, null, $"{about} It is not in MLX form, and whether {kind} knows its design shows only when it is loaded.")
            : Say(entry, size, true, about);
    }

    // What the files have together, where that is said of each: mirrors do.
    private static ByteSize? Sum(HubEntry entry, Func<string, bool> isWanted)
    {
        var wanted = entry.Siblings!.Where(file => file.Rfilename is { } name && isWanted(name)).ToList();
        return wanted.Count > 0 && wanted.TrueForAll(file => file.Size is > 0 and < 1L << 50) ? new ByteSize(wanted.Sum(file => file.Size!.Value)) : null;
    }

    private bool IsHere(string kind) => catalog.Settings is { } settings && (settings.LaunchableKinds ?? settings.OfferedKinds).Contains(kind);

    private static HubModel Say(HubEntry entry, ByteSize? size, bool? runs, string why) => new(entry.Id!, entry.Downloads, entry.Likes, size, runs, why);
}
