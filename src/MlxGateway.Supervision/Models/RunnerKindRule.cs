using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Says which kind serves a model whose configuration does not name one.</summary>
internal static class RunnerKindRule
{
    /// <summary>The kind that follows from what is written and, if that leaves it open, from the files that it names; null if nothing does.</summary>
    public static string? For(ModelOptions model, SourceResolver sources, IReadOnlyList<string> offered)
    {
        if (model.Runner is { } named)
        {
            return named;
        }

        if (model.Command.Count > 0)
        {
            return KindNames.Command;
        }

        return model.Source switch
        {
            null => null,
            var source when source.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) => KindNames.LlamaServer,
            var source => sources.Folder(source) is { } folder ? ForFolder(folder, offered, sources.Facts)
                : sources.PartOf(source) is not null ? KindNames.LlamaServer
                : KindNames.MlxLm,
        };
    }

    /// <summary>The kind that serves what is in a folder.</summary>
    public static string ForFolder(string folder, IReadOnlyList<string> offered, FactsCache facts)
    {
        if (ModelFiles.Ggufs(folder).Any())
        {
            return KindNames.LlamaServer;
        }

        return ForWeights(folder, offered, facts);
    }

    /// <summary>The kind that serves what is in a folder without GGUF files.</summary>
    public static string ForWeights(string folder, IReadOnlyList<string> offered, FactsCache facts) =>
        Disk.Length(Path.Combine(folder, MlcFacts.Config)) is not null ? KindNames.MlcLlm : ForMlx(facts.Mlx(folder).Facts, offered);

    /// <summary>
    /// The kind that serves a model in MLX form: one that sees or hears needs mlx_vlm; where there is none, mlx_lm can at least talk with it. What does not chat at all is nothing for mlx_lm, whether mlx_vlm is there or not.
    /// </summary>
    public static string ForMlx(ModelFacts? facts, IReadOnlyList<string> offered) =>
        facts?.Use is ModelUse.Embedding or ModelUse.Reranking or ModelUse.Transcription or ModelUse.Speech or ModelUse.Images ? KindNames.MlxVlm
        : facts?.Modalities.Count > 1 && (offered.Contains(KindNames.MlxVlm) || !offered.Contains(KindNames.MlxLm)) ? KindNames.MlxVlm : KindNames.MlxLm;
}
