namespace MlxGateway.Mcp.Recommending;

/// <summary>A model of the Hub that many people use with MLX, with the numbers from which its memory follows.</summary>
/// <param name="Id">Its repository.</param>
/// <param name="Tasks">What it is good for.</param>
/// <param name="Billions">How many parameters it has, in billions.</param>
/// <param name="Bits">How many bits each takes, the scales of its groups included.</param>
/// <param name="KilobytesPerToken">What each token of a conversation takes, with two bytes a value: keys and values of every layer.</param>
/// <param name="Note">What speaks for it.</param>
internal sealed record WellKnown(string Id, string[] Tasks, double Billions, double Bits, int KilobytesPerToken, string Note)
{
    // Groups of 64 weights of 4 bits share a scale and a bias of 16 bits each.
    private const double Four = 4.5;

    private static readonly string[] Chat = ["chat"];
    private static readonly string[] Code = ["code"];
    private static readonly string[] Vision = ["vision"];
    private static readonly string[] ChatAndCode = ["chat", "code"];

    /// <summary>All of them, the more able ones first.</summary>
    public static IReadOnlyList<WellKnown> All { get; } =
    [
        new("mlx-community/Llama-3.3-70B-Instruct-4bit", Chat, 70.6, Four, 320, "the most able dense model of this list"),
        new("mlx-community/Qwen3-32B-4bit", ChatAndCode, 32.8, Four, 256, "thinks before it answers"),
        new("mlx-community/Qwen3-Coder-30B-A3B-Instruct-4bit", Code, 30.5, Four, 96, "made for coding agents; only 3.3 billion parameters work at a time, so it is fast"),
        new("mlx-community/Qwen2.5-Coder-32B-Instruct-4bit", Code, 32.8, Four, 256, "a dense coder"),
        new("mlx-community/Qwen3-30B-A3B-Instruct-2507-4bit", Chat, 30.5, Four, 96, "only 3.3 billion parameters work at a time, so it is fast"),
        new("mlx-community/Mistral-Small-24B-Instruct-2501-4bit", Chat, 23.6, Four, 160, "good at many languages"),
        new("mlx-community/gpt-oss-20b-MXFP4-Q8", ChatAndCode, 20.9, 4.6, 48, "fast, thinks, takes tools"),
        new("mlx-community/Qwen3-14B-4bit", ChatAndCode, 14.8, Four, 160, "thinks before it answers"),
        new("mlx-community/Qwen2.5-Coder-14B-Instruct-4bit", Code, 14.8, Four, 192, "a dense coder"),
        new("mlx-community/Qwen3-8B-4bit", ChatAndCode, 8.2, Four, 144, "thinks before it answers"),
        new("mlx-community/Meta-Llama-3.1-8B-Instruct-4bit", Chat, 8.0, Four, 128, "widely tried"),
        new("mlx-community/Qwen2.5-Coder-7B-Instruct-4bit", Code, 7.6, Four, 56, "completes code well for its size"),
        new("mlx-community/Qwen3-4B-Instruct-2507-4bit", ChatAndCode, 4.0, Four, 144, "able for its size"),
        new("mlx-community/Llama-3.2-3B-Instruct-4bit", Chat, 3.2, Four, 112, "small and quick"),
        new("mlx-community/Qwen3-1.7B-4bit", Chat, 1.7, Four, 112, "small and quick"),
        new("mlx-community/Qwen2.5-Coder-1.5B-Instruct-4bit", Code, 1.5, Four, 28, "for completion as one types"),
        new("mlx-community/Qwen3-0.6B-4bit", Chat, 0.6, Four, 112, "runs anywhere"),
        new("mlx-community/gemma-3-27b-it-4bit", Vision, 27.4, Four, 496, "sees, and speaks many languages"),
        new("mlx-community/gemma-3-12b-it-4bit", Vision, 12.2, Four, 384, "sees, and speaks many languages"),
        new("mlx-community/Qwen3-VL-8B-Instruct-4bit", Vision, 8.8, Four, 144, "reads documents and screens"),
        new("mlx-community/Qwen2.5-VL-7B-Instruct-4bit", Vision, 8.3, Four, 56, "reads documents and screens"),
        new("mlx-community/Qwen3-VL-4B-Instruct-4bit", Vision, 4.4, Four, 144, "reads documents and screens"),
        new("mlx-community/gemma-3-4b-it-4bit", Vision, 4.3, Four, 136, "sees, and is small"),
        new("mlx-community/Qwen2.5-VL-3B-Instruct-4bit", Vision, 3.8, Four, 36, "sees, and is small"),
    ];
}
