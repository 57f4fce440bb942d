namespace MlxGateway.Supervision.Models.Facts;

/// <summary>How many tokens a model of the Hugging Face form was made for. A window of attention (<c>sliding_window</c>) says nothing of it.</summary>
internal static class MlxContext
{
    // Tokenizers that know no limit write 10³⁰, and some another large number.
    private const int Unbelievable = 1_000_000;

    private static readonly string[] Names = ["max_position_embeddings", "max_sequence_length", "max_seq_len", "max_seq_length", "seq_length", "n_positions", "n_ctx", "model_max_length"];

    /// <summary>The most tokens; null if nothing says.</summary>
    /// <param name="ofTokenizer"><c>model_max_length</c> of its <c>tokenizer_config.json</c>.</param>
    public static int? Of(ConfigKeys keys, double? ofTokenizer)
    {
        var scaling = keys.Object("rope_scaling") ?? keys.Object("rope_parameters");
        var original = scaling?.Count("original_max_position_embeddings");
        var stretched = original is { } from && IsStretched(scaling!) && Factor(scaling!) is { } factor ? (int?)Math.Min(from * factor, int.MaxValue) : null;
        return keys.Count(Names) is { } said
            ? said == original ? stretched ?? said : said // what is said includes the scaling, unless it is exactly what was there before
            : stretched ?? original ?? Usual(keys) ?? (ofTokenizer is >= 1 and <= Unbelievable ? (int)ofTokenizer : null);
    }

    private static bool IsStretched(ConfigPart scaling) => (scaling.Text("rope_type") ?? scaling.Text("type")) is "yarn" or "linear" or "dynamic" or "llama3" or "longrope" or "su";

    private static double? Factor(ConfigPart scaling) => scaling.Value("factor") is { ValueKind: System.Text.Json.JsonValueKind.Number } value && value.TryGetDouble(out var factor) && factor is > 1 and < 1e6 ? factor : null;

    // Left out by the makers of the models that see, where it is the usual one.
    private static int? Usual(ConfigKeys keys) => keys.TextType == "gemma3_text" && keys.IsNested ? 131_072 : null;
}
