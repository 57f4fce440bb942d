namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Which layers look back on a window only.</summary>
/// <remarks>
/// A list <c>attention.sliding_window_pattern</c> says it for each layer; a number there says that every so manieth looks at everything. Without either, llama.cpp knows it of some
/// designs. Of all others a <c>sliding_window</c> is not obeyed (Mistral 7B, Qwen2, Phi-3), so that their layers look at everything.
/// </remarks>
internal readonly struct GgufWindows
{
    private readonly IReadOnlyList<long>? _list;
    private readonly int _period;
    private readonly bool _fullComesFirst;
    private readonly int? _window;

    private GgufWindows(IReadOnlyList<long>? list, int period, bool fullComesFirst, int? window) =>
        (_list, _period, _fullComesFirst, _window) = (list, period, fullComesFirst, window);

    /// <summary>What the values at the head of a file say.</summary>
    public static GgufWindows Of(GgufKeys keys)
    {
        const string Pattern = "attention.sliding_window_pattern";
        var window = keys.Size("attention.sliding_window");
        var (period, standard) = keys.Architecture switch
        {
            "gemma2" => (2, 4096),
            "gpt-oss" => (2, 0),
            "gemma3" => (6, 0),
            "gemma3n" => (5, 0),
            "cohere2" or "cohere2moe" or "olmo2" or "afmoe" or "exaone-moe" or "smallthinker" => (4, 0),
            "exaone4" when keys.Size("block_count") == 64 => (4, 4096), // the smaller one has no window
            "llama4" => (4, 8192),
            "plamo3" => (8, 0),
            "phi3" => (0, -1),
            _ => (0, 0),
        };
        if (standard < 0)
        {
            return default;
        }

        var size = keys.Architecture switch
        {
            "llama4" when window is not 0 => standard, // fixed, whatever the file says, unless it says none
            "smallthinker" when window > 0 => 4096,
            _ => window ?? standard,
        };
        period = keys.Size(Pattern) ?? period;
        return size > 0 ? new GgufWindows(keys.List(Pattern), period, keys.Architecture == "smallthinker", size) : default;
    }

    /// <summary>The window of a layer; null: it looks at everything.</summary>
    public int? Of(int layer)
    {
        if (_list is not null)
        {
            return layer < _list.Count && _list[layer] != 0 ? _window : null;
        }

        return _period > 0 && layer % _period != (_fullComesFirst ? 0 : _period - 1) ? _window : null;
    }
}
