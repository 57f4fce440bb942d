namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What a model keeps of the text that it has read, layer by layer: keys and values, or a state of constant size.</summary>
/// <param name="Layers">Groups of like layers. Layers that keep nothing, or look into another layer's keys, are in none.</param>
public sealed record CacheLayout(ValueList<CacheLayers> Layers)
{
    /// <summary>The values that one conversation keeps after so many tokens. A value takes 2 bytes where nothing else is configured.</summary>
    /// <param name="tokens">0 or more.</param>
    public long Values(int tokens) => Layers.Sum(layers => layers.Values(tokens));

    /// <summary>The values that each further token adds, as long as no window is full.</summary>
    public long ValuesPerToken => Layers.Sum(layers => layers.Count * layers.ValuesPerToken);

    /// <summary>The values that each further token adds once every window is full.</summary>
    public long LastingValuesPerToken => Layers.Where(layers => layers.Window is null).Sum(layers => layers.Count * layers.ValuesPerToken);

    /// <summary>The bytes that one conversation keeps however long it is: the states of recurrent layers.</summary>
    public ByteSize State => new(Layers.Sum(layers => layers.Count * layers.StateBytes));
}

/// <summary>Some layers that keep the same.</summary>
/// <param name="Count">How many there are; at least 1.</param>
/// <param name="ValuesPerToken">The values that each of them keeps for one token: <c>key/value heads × (size of a key + size of a value)</c>; the size of the latent where keys and values are compressed; 0 for a recurrent layer.</param>
/// <param name="Window">After how many tokens the oldest is forgotten; null: never.</param>
/// <param name="StateBytes">The bytes that each of them keeps for a conversation however long it is.</param>
/// <param name="Keys">How many of <paramref name="ValuesPerToken"/> are of keys; null: half of them. Engines may write keys and values in different formats.</param>
public readonly record struct CacheLayers(int Count, long ValuesPerToken, int? Window = null, long StateBytes = 0, long? Keys = null)
{
    /// <summary>The values that each of them keeps of keys for one token.</summary>
    public long KeysPerToken => Keys ?? (ValuesPerToken / 2);

    /// <summary>The values that these layers keep together after so many tokens of one conversation.</summary>
    public long Values(int tokens) => Count * ValuesPerToken * Math.Min(tokens, Window ?? int.MaxValue);
}
