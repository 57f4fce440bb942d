namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>What the engines that are Python modules over MLX have in common.</summary>
internal static class MlxEnvironment
{
    /// <summary>For requests that name no limit: more than any context holds. The engines' own defaults, of a few hundred, cut answers off.</summary>
    public const int MaxTokens = 1 << 20;

    /// <summary>Variables of a process that may take what is on the disk and nothing else.</summary>
    public static Dictionary<string, string> Offline() => new()
    {
        // The model is on the disk: whatever is not there must be an error and not a download.
        ["HF_HUB_OFFLINE"] = "1",
        ["TRANSFORMERS_OFFLINE"] = "1",
        ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1",
        ["TOKENIZERS_PARALLELISM"] = "false",
        ["PYTHONUNBUFFERED"] = "1",

        // On the processor MLX allocates with malloc, which by itself raises this with use and then keeps what is freed in holes: the process takes more than anybody has counted.
        ["MALLOC_MMAP_THRESHOLD_"] = "1048576",
    };
}
