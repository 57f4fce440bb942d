namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What llama.cpp keeps of a conversation with the model of a GGUF file, from the values at its head.</summary>
/// <remarks>
/// <para>Each layer keeps <c>head_count_kv × (key_length + value_length)</c> values for a token; without lengths, <c>embedding_length ÷ head_count</c> twice.</para>
/// <para>Where keys and values are compressed to a latent (<c>key_length_mla</c> is there) the one key holds both, so values take nothing: <c>head_count_kv × key_length</c>. Files of such
/// models from before that key keep them uncompressed, by the first formula.</para>
/// <para>The last <c>nextn_predict_layers</c> guess ahead and keep nothing; the last <c>shared_kv_layers</c> look into the layers before them.</para>
/// <para>The states of recurrent layers are 4 bytes a value: what the convolution looks back on, and the state itself.</para>
/// <para>A window is the model's. llama.cpp sets aside that many cells and those of one batch, rounded up to 256.</para>
/// </remarks>
internal static class GgufCache
{
    private const int MostLayers = 1024; // llama.cpp takes 512
    private const long Most = 1L << 30; // values for one token, or bytes of states: far beyond any model, and sums of it cannot overflow
    private const int StateValueBytes = 4;

    // How the constant part of their conversation is kept is theirs alone, so rather no figure than a wrong one.
    private static readonly HashSet<string> Unknown = ["deepseek4", "glm5-next", "glm5next", "kimi-k3", "minimax-m3", "qwen4exp", "minimax-01"];

    /// <summary>The layout; null if the values do not say it or make no sense.</summary>
    public static CacheLayout? Of(GgufKeys keys)
    {
        var architecture = keys.Architecture;
        if (architecture is null || Unknown.Contains(architecture))
        {
            return null;
        }

        if (GgufUse.IsEncoder(architecture))
        {
            return new CacheLayout([]);
        }

        if (((architecture == "t5" ? keys.Size("decoder_block_count") : null) ?? keys.Size("block_count")) is not (> 0 and <= MostLayers and var blocks))
        {
            return null;
        }

        var recurrence = GgufRecurrence.Of(keys);
        var windows = GgufWindows.Of(keys);
        var groups = new List<CacheLayers>();
        var keeping = Keeping(keys, blocks);
        long total = 0;
        for (var layer = 0; layer < keeping; layer++)
        {
            var window = windows.Of(layer);
            var (values, ofKeys) = recurrence.Attends(layer) ? Values(keys, layer, window is not null) : (0, 0);
            var state = recurrence.IsRecurrent(layer) ? recurrence.StateValues * StateValueBytes : 0;
            if (values is null || (total += values.Value + state) > Most)
            {
                return null;
            }

            Add(groups, new CacheLayers(1, values.Value, values > 0 ? window : null, state, 2 * ofKeys == values ? null : ofKeys));
        }

        return new CacheLayout([.. groups]);
    }

    // How many layers, from the first, keep something of their own.
    private static int Keeping(GgufKeys keys, int blocks)
    {
        if (keys.Architecture == "gemma3n")
        {
            return Math.Min(blocks, 20); // fixed in llama.cpp; its files have a key for it that is not read
        }

        return Math.Max(0, blocks - (keys.Size("nextn_predict_layers") ?? 0) - (keys.Size("attention.shared_kv_layers") ?? 0));
    }

    private static (long? All, long OfKeys) Values(GgufKeys keys, int layer, bool isWindowed)
    {
        var heads = keys.OfLayer("attention.head_count", layer);
        var keyHeads = keys.OfLayer("attention.head_count_kv", layer) ?? heads;
        if (keyHeads is not (>= 0 and <= (1 << 16)))
        {
            return (null, 0);
        }

        var width = keys.Size("embedding_length");

        // Where layers differ in their heads, llama.cpp divides by those of the first.
        var first = keys.OfLayer("attention.head_count", 0);
        long? head = width is { } all && first is > 0 ? all / first : null;
        var key = (isWindowed ? keys.Size("attention.key_length_swa") : null) ?? keys.Size("attention.key_length") ?? head;
        var value = (isWindowed ? keys.Size("attention.value_length_swa") : null) ?? keys.Size("attention.value_length") ?? head;
        if (keyHeads == 0)
        {
            return (0, 0);
        }

        if (key is null || value is null)
        {
            return (null, 0);
        }

        var isCompressed = keys.Size("attention.key_length_mla") is > 0 && keys.Size("attention.value_length_mla") is > 0;

        // The indexers of DeepSeek 3.2 and GLM 5 keep one small key more for each token.
        var indexer = keys.Architecture is "deepseek32" or "glm-dsa" ? keys.Size("attention.indexer.key_length") ?? 0 : 0;
        var ofKeys = (keyHeads.Value * key.Value) + indexer;
        return (ofKeys + (isCompressed ? 0 : keyHeads * value), ofKeys);
    }

    private static void Add(List<CacheLayers> groups, CacheLayers layer)
    {
        if (layer is { ValuesPerToken: 0, StateBytes: 0 })
        {
            return;
        }

        var same = groups.FindIndex(group => group with { Count = 1 } == layer);
        if (same < 0)
        {
            groups.Add(layer);
        }
        else
        {
            groups[same] = layer with { Count = groups[same].Count + 1 };
        }
    }
}
