namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The parts of a model that only see or hear, by the names of their tensors: what <c>mlx_lm</c> drops when it loads one of these models.</summary>
internal static class Towers
{
    /// <summary>Whether a tensor belongs to one.</summary>
    public static bool Has(ReadOnlySpan<byte> name)
    {
        foreach (var around in (ReadOnlySpan<byte[]>)[Model, Thinker])
        {
            name = name.StartsWith(around) ? name[around.Length..] : name;
        }

        var end = name.IndexOf((byte)'.');
        return end > 0 && IsTower(name[..end]);
    }

    private static readonly byte[] Model = [.. "model."u8];
    private static readonly byte[] Thinker = [.. "thinker."u8];

    private static bool IsTower(ReadOnlySpan<byte> part) =>
        part.StartsWith("vision_"u8) // tower, model, encoder, embedder, embed_tokens
        || part.StartsWith("audio_"u8)
        || part.SequenceEqual("visual"u8)
        || part.SequenceEqual("multi_modal_projector"u8)
        || part.SequenceEqual("mm_projector"u8)
        || part.SequenceEqual("embed_vision"u8)
        || part.SequenceEqual("embed_audio"u8)
        || part.SequenceEqual("patch_merge_mlp"u8);
}
