namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The widths of a model.</summary>
internal static class MlxSizes
{
    /// <summary>The width of its hidden state.</summary>
    public static int? Hidden(ConfigKeys keys) => keys.Count("hidden_size", "n_embd", "d_model", "model_dim", "dim");

    /// <summary>The width of its widest feed-forward layer: some have one for each layer, some one for all and one for each expert.</summary>
    public static int? FeedForward(ConfigKeys keys)
    {
        int?[] widths =
        [
            keys.Counts("intermediate_size")?.DefaultIfEmpty().Max(),
            keys.Count("intermediate_size"),
            keys.Count("ffn_hidden_size", "ffn_dim", "n_inner", "block_ff_dim", "intermediate_size_mlp"),
            keys.Count("moe_intermediate_size", "expert_ffn_hidden_size"),
            keys.Count("shared_expert_intermediate_size", "shared_intermediate_size"),
        ];
        return widths.Max() is { } widest and > 0 ? widest : null;
    }
}
