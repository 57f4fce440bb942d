namespace MlxGateway.Supervision.Models;

/// <summary>Says which kind serves a model whose configuration does not name one.</summary>
internal static class RunnerKindRule
{
    /// <summary>The kind that follows from what is written; null if nothing does.</summary>
    public static string? For(ModelOptions model)
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
            _ => KindNames.MlxLm,
        };
    }
}
