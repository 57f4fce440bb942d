namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Which layers keep a state of constant size, and how large it is.</summary>
internal readonly struct GgufRecurrence
{
    private readonly GgufKeys _keys;
    private readonly Kind _kind;
    private readonly int _interval;

    private GgufRecurrence(GgufKeys keys, Kind kind, long stateValues, int interval) => (_keys, _kind, StateValues, _interval) = (keys, kind, stateValues, interval);

    /// <summary>The values that each recurrent layer keeps.</summary>
    public long StateValues { get; }

    /// <summary>What the values at the head of a file say.</summary>
    public static GgufRecurrence Of(GgufKeys keys)
    {
        var kind = keys.Architecture switch
        {
            "mamba" or "mamba2" or "rwkv6" or "rwkv6qwen2" or "rwkv7" or "arwkv7" => Kind.Every,
            "falcon-h1" => Kind.Beside,
            "jamba" or "plamo2" or "granitehybrid" or "lfm2" or "lfm2moe" or "kimi-linear" => Kind.WithoutHeads,
            "nemotron_h" or "nemotron_h_moe" => Kind.WithoutHeadsAndFeedForward,
            "qwen3next" or "qwen35" or "qwen35moe" => Kind.Interval,
            _ => Kind.None,
        };
        return kind == Kind.None ? default : new GgufRecurrence(keys, kind, State(keys), Math.Max(1, keys.Size("full_attention_interval") ?? 4));
    }

    /// <summary>Whether a layer keeps a state.</summary>
    public bool IsRecurrent(int layer) => _kind switch
    {
        Kind.Every or Kind.Beside => true,
        Kind.WithoutHeads => HasNoHeads(layer),
        Kind.WithoutHeadsAndFeedForward => HasNoHeads(layer) && (_keys.OfLayer("feed_forward_length", layer) ?? 0) == 0,
        Kind.Interval => _keys.List("attention.recurrent_layers") is { } list ? layer < list.Count && list[layer] != 0 : (layer + 1) % _interval != 0,
        _ => false,
    };

    /// <summary>Whether a layer keeps keys and values.</summary>
    public bool Attends(int layer) => _kind is Kind.None or Kind.Beside || !IsRecurrent(layer);

    private bool HasNoHeads(int layer) => (_keys.OfLayer("attention.head_count_kv", layer) ?? _keys.OfLayer("attention.head_count", layer) ?? 0) == 0;

    // llama.cpp's n_embd_r and n_embd_s: what is shifted along, and the state proper.
    private static long State(GgufKeys keys)
    {
        long width = keys.Size("embedding_length") ?? 0;
        if (keys.Size("wkv.head_size") is > 0 and var head)
        {
            return Bounded((Int128)(keys.Size("token_shift_count") ?? 2) * width, (Int128)width * head);
        }

        if (keys.Size("shortconv.l_cache") is > 0 and var reach)
        {
            return Bounded((Int128)width * (reach - 1), 0);
        }

        var kernel = Math.Max(0, (keys.Size("ssm.conv_kernel") ?? 0) - 1);
        if (keys.Size("kda.head_dim") is > 0 and var size)
        {
            var heads = (Int128)Math.Clamp(keys.OfLayer("attention.head_count", 0) ?? 0, 0, int.MaxValue);
            return Bounded(3 * kernel * heads * size, (Int128)size * size * heads);
        }

        Int128 state = keys.Size("ssm.state_size") ?? 0;
        Int128 inner = keys.Size("ssm.inner_size") ?? 0;
        return Bounded(kernel * (inner + (2 * (Int128)(keys.Size("ssm.group_count") ?? 0) * state)), state * inner);
    }

    private static long Bounded(Int128 shifted, Int128 state) => (long)Int128.Min(shifted + state, 1L << 40);

    private enum Kind
    {
        /// <summary>No layer.</summary>
        None,

        /// <summary>Every layer, and none keeps keys and values.</summary>
        Every,

        /// <summary>Every layer, and each keeps keys and values too.</summary>
        Beside,

        /// <summary>Those without heads for keys and values.</summary>
        WithoutHeads,

        /// <summary>Those without heads and without a feed-forward network, which is a layer of its own there.</summary>
        WithoutHeadsAndFeedForward,

        /// <summary>All but every so manieth, or those that are listed.</summary>
        Interval,
    }
}
