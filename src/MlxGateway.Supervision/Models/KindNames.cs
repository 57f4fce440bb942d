namespace MlxGateway.Supervision.Models;

/// <summary>The runner kinds by the names they have in the configuration.</summary>
public static class KindNames
{
    /// <summary>Python's <c>mlx_lm.server</c>: text models in MLX form.</summary>
    public const string MlxLm = "mlx_lm";

    /// <summary>Python's <c>mlx_vlm.server</c>: models that see, in MLX form.</summary>
    public const string MlxVlm = "mlx_vlm";

    /// <summary>MLC's server: compiled models.</summary>
    public const string MlcLlm = "mlc_llm";

    /// <summary>llama.cpp's server: GGUF files.</summary>
    public const string LlamaServer = "llama_server";

    /// <summary>Any program, by its command line.</summary>
    public const string Command = "command";

    /// <summary>The demonstration runner.</summary>
    public const string Demo = "demo";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [MlxLm, MlxVlm, MlcLlm, LlamaServer, Command, Demo];

    /// <summary>Whether the kind loads a model that must be on this machine.</summary>
    internal static bool NeedsSource(string kind) => kind is MlxLm or MlxVlm or MlcLlm or LlamaServer;
}
