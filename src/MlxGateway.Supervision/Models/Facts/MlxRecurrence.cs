namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The bytes that a recurrent layer keeps: what its convolution looks back on, and its state.</summary>
/// <remarks>
/// <c>mlx_lm</c> keeps the former as wide as the model computes, here 2 bytes, and the states of Mamba 2 and of delta nets in 4 bytes, whatever the weights are. Mamba 1 and Jamba
/// compute in 4 bytes where <c>A_log</c> is stored so, which it usually is; so 4 stand for all there.
/// </remarks>
internal static class MlxRecurrence
{
    private const int Half = 2;
    private const int Single = 4;

    /// <summary>The bytes of one layer; null if the configuration does not tell.</summary>
    public static long? StateBytes(ConfigKeys keys, string type) => type switch
    {
        "mamba" or "falcon_mamba" => Mamba(keys.Count("intermediate_size", "d_inner"), keys.Count("state_size", "d_state"), keys.Count("conv_kernel", "d_conv")),
        "jamba" => Mamba(Times(keys.Count("mamba_expand"), MlxSizes.Hidden(keys)), keys.Count("mamba_d_state"), keys.Count("mamba_d_conv")),
        "mamba2" => Mamba2(Times(keys.Count("num_heads"), keys.Count("head_dim")), keys.Count("ssm_state_size", "state_size"), keys.Count("n_groups"), keys.Count("conv_kernel")),
        "nemotron_h" => Mamba2(Times(keys.Count("mamba_num_heads"), keys.Count("mamba_head_dim")), keys.Count("ssm_state_size"), keys.Count("n_groups"), keys.Count("conv_kernel")),
        "falcon_h1" => Mamba2(keys.Count("mamba_d_ssm"), keys.Count("mamba_d_state"), keys.Count("mamba_n_groups"), keys.Count("mamba_d_conv")),
        "granitemoehybrid" => Mamba2(Times(keys.Count("mamba_n_heads"), keys.Count("mamba_d_head")), keys.Count("mamba_d_state"), keys.Count("mamba_n_groups"), keys.Count("mamba_d_conv")),
        "plamo2" => Mamba2(Times(keys.Count("mamba_num_heads"), keys.Count("hidden_size_per_head")), keys.Count("mamba_d_state"), 0, keys.Count("mamba_d_conv")),
        "qwen3_next" or "qwen3_5" or "qwen3_5_text" or "qwen3_5_moe" or "qwen3_5_moe_text" or "olmo_hybrid" => DeltaNet(keys),
        "lfm2" or "lfm2_moe" => Convolution(keys.Count("conv_L_cache"), MlxSizes.Hidden(keys), Half),
        "rwkv7" => Sum(Times(2 * Half, MlxSizes.Hidden(keys)), Times(Half, MlxSizes.Hidden(keys), keys.Count("head_dim"))), // two shifted tokens; a matrix for each head
        "recurrent_gemma" => Sum(Convolution(keys.Count("conv1d_width"), Lru(keys), Half), Times(Half, Lru(keys))),
        "bailing_moe_linear" or "bailing_hybrid" => keys.Count("num_attention_heads") is { } heads && (keys.Count("head_dim") ?? MlxSizes.Hidden(keys) / heads) is { } size ? Times(Single, heads, size, size) : null,
        _ => KimiDelta(keys),
    };

    private static long? Mamba(long? inner, long? state, int? kernel) => Sum(Convolution(kernel, inner, Single), Times(Single, inner, state));

    private static long? Mamba2(long? inner, long? state, long? groups, int? kernel) =>
        Sum(Convolution(kernel, Sum(inner, Times(2, groups, state)), Half), Times(Single, inner, state));

    private static long? DeltaNet(ConfigKeys keys)
    {
        var (keySize, valueSize) = (keys.Count("linear_key_head_dim"), keys.Count("linear_value_head_dim"));
        var (keyHeads, valueHeads) = (keys.Count("linear_num_key_heads"), keys.Count("linear_num_value_heads"));
        var width = Sum(Times(2, keyHeads, keySize), Times(valueHeads, valueSize));
        return Sum(Convolution(keys.Count("linear_conv_kernel_dim") ?? 4, width, Half), Times(Single, valueHeads, valueSize, keySize));
    }

    private static long? KimiDelta(ConfigKeys keys)
    {
        if (keys.Object("linear_attn_config") is not { } linear)
        {
            return null;
        }

        var (heads, size) = (linear.Count("num_heads"), linear.Count("head_dim"));
        return Sum(Convolution(linear.Count("short_conv_kernel_size") ?? 4, Times(3, heads, size), Half), Times(Single, heads, size, size));
    }

    private static int? Lru(ConfigKeys keys) => keys.Count("lru_width") ?? MlxSizes.Hidden(keys);

    // A kernel looks back on one token less than it is long.
    private static long? Convolution(int? kernel, long? width, int bytes) => kernel is > 0 ? Times(kernel - 1, width, bytes) : null;

    private static long? Times(params ReadOnlySpan<long?> factors)
    {
        var product = 1L;
        foreach (var factor in factors)
        {
            if (factor is not { } known)
            {
                return null;
            }

            product = Saturating.Multiply(product, known);
        }

        return product;
    }

    private static long? Sum(long? left, long? right) => left is { } l && right is { } r ? Saturating.Add(l, r) : null;
}
