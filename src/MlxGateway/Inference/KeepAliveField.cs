using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>Reads <c>keep_alive</c> as Ollama's clients write it: seconds as a number, or a text such as <c>"5m"</c>, <c>"1h30m"</c> or <c>"-1"</c>. Below zero means for ever, zero at once.</summary>
internal static class KeepAliveField
{
    // No duration has as many characters.
    private const int Longer = 32;

    // Longer is for ever. Also keeps sums of times within what a time can be.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(365);

    /// <summary>The value at which the reader stands. Null: it says nothing, or nothing that is understood; it is a wish and no reason to refuse the request.</summary>
    public static TimeSpan? Read(ref Utf8JsonReader json) => json.TokenType switch
    {
        JsonTokenType.Number when json.TryGetDouble(out var seconds) => Of(seconds),
        JsonTokenType.String when json.HasValueSequence => ReadAcrossBlocks(json.ValueSequence),
        JsonTokenType.String when json.ValueSpan.Length is > 0 and < Longer => Parse(json.ValueSpan),
        _ => null,
    };

    /// <summary>Reads the text of a duration; null: it is none.</summary>
    internal static TimeSpan? Parse(ReadOnlySpan<byte> text)
    {
        var isNegative = text[0] == (byte)'-';
        text = isNegative ? text[1..] : text;
        if (text.IsEmpty)
        {
            return null;
        }

        if (Utf8Parser.TryParse(text, out double bare, out var all) && all == text.Length)
        {
            return Of(isNegative ? -bare : bare);
        }

        var seconds = 0.0;
        while (!text.IsEmpty)
        {
            if (!Utf8Parser.TryParse(text, out double number, out var used) || Unit(text[used..], out var length) is not { } unit)
            {
                return null;
            }

            seconds += number * unit;
            text = text[(used + length)..];
        }

        return Of(isNegative ? -seconds : seconds);
    }

    private static TimeSpan? ReadAcrossBlocks(in ReadOnlySequence<byte> text)
    {
        if (text.Length is 0 or >= Longer)
        {
            return null;
        }

        Span<byte> joined = stackalloc byte[(int)text.Length];
        text.CopyTo(joined);
        return Parse(joined);
    }

    private static double? Unit(ReadOnlySpan<byte> text, out int length)
    {
        length = text.StartsWith("ms"u8) || text.StartsWith("us"u8) || text.StartsWith("ns"u8) ? 2 : 1;
        return text.IsEmpty ? null : length == 2 ? (text[0] == (byte)'m' ? 1e-3 : text[0] == (byte)'u' ? 1e-6 : 1e-9)
            : (char)text[0] switch { 'h' => 3600, 'm' => 60, 's' => 1, _ => null };
    }

    private static TimeSpan? Of(double seconds) => double.IsNaN(seconds) ? null
        : seconds < 0 || seconds >= Longest.TotalSeconds ? Timeout.InfiniteTimeSpan
        : TimeSpan.FromSeconds(seconds);
}
