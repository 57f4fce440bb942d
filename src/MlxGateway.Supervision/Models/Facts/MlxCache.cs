namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What <c>mlx_lm</c> keeps for a model of the Hugging Face form: its own choice of caches, layer by layer, which is less clever than the papers of some models.</summary>
/// <remarks>Seen in the sources of 0.31.3 and 0.32.2 (<c>make_cache</c> and the arguments of <c>update_and_fetch</c> of each design); where they differ, the larger.</remarks>
internal static class MlxCache
{
    // Beyond these the sums of a layout over 2³¹ tokens would overflow. No model comes near: 2³¹ values a token are 4 GB a token.
    private const long MostValuesPerToken = 1L << 31;
    private const long MostStateBytes = 1L << 50;

    /// <summary>The layout; null if the configuration does not tell, or tells nonsense.</summary>
    public static CacheLayout? Of(ConfigKeys keys)
    {
        var type = Design(keys);
        if (Layers(keys) is not { } layers || layers > ConfigPart.LongestList)
        {
            return null;
        }

        var all = new List<CacheLayers>();
        for (var layer = 0; layer < layers; layer++)
        {
            if (MlxLayers.Of(keys, type, layer, layers) is not { } kind)
            {
                return null;
            }

            if (kind != LayerKind.Nothing)
            {
                if (Layer(keys, type, layer, layers, kind) is not { } one)
                {
                    return null;
                }

                all.Add(one);
            }
        }

        return Sum(all, one => one.ValuesPerToken) > MostValuesPerToken || Sum(all, one => one.StateBytes) > MostStateBytes
            ? null
            : new CacheLayout(ValueList.From(all.GroupBy(one => one).Select(group => group.Key with { Count = group.Count() })));
    }

    /// <summary>How many layers there are; 0 never.</summary>
    public static int? Layers(ConfigKeys keys) => keys.Count("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_transformer_layers", "num_decoder_layers");

    // What decides is the part that reads text, except where the whole is cached otherwise than that part alone.
    private static string Design(ConfigKeys keys) => keys.ModelType == "llama4" ? "llama4" : keys.TextType ?? "";

    private static CacheLayers? Layer(ConfigKeys keys, string type, int layer, int layers, LayerKind kind)
    {
        var (values, state) = (0L, 0L);
        int? window = null;
        if (kind.HasFlag(LayerKind.Attention))
        {
            window = MlxWindows.Of(keys, type, layer, layers);
            if (MlxAttention.ValuesPerToken(keys, type, layer, window is not null) is not { } size)
            {
                return null;
            }

            values = size;
        }

        if (kind.HasFlag(LayerKind.Recurrent))
        {
            if (MlxRecurrence.StateBytes(keys, type) is not { } size)
            {
                return null;
            }

            state = size;
        }

        return new CacheLayers(1, values, window, state);
    }

    private static long Sum(List<CacheLayers> layers, Func<CacheLayers, long> of) => layers.Aggregate(0L, (sum, layer) => Saturating.Add(sum, of(layer)));
}
