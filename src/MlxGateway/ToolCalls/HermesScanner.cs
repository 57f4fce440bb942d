using System.Text;
using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>Takes the calls out of a text that comes in pieces. It holds back only what may still become one; what is none stays text, character for character.</summary>
/// <param name="names">The functions that may be called.</param>
internal sealed class HermesScanner(IReadOnlySet<string> names)
{
    private const string Opening = "<tool_call>";
    private const string Closing = "</tool_call>";
    private const int LongestCall = 256 * 1024;

    private string _held = "";
    private bool _isLineStart = true;

    /// <summary>Whether something is held back.</summary>
    public bool Holds => _held.Length > 0;

    /// <summary>Takes a piece.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="calls">Takes the calls that are whole now: the members <c>name</c> and <c>arguments</c>, both texts.</param>
    /// <returns>What is text for certain.</returns>
    public string Push(string piece, List<(string Name, string Arguments)> calls)
    {
        var rest = _held + piece;
        var text = new StringBuilder();
        _held = "";
        while (rest.Length > 0)
        {
            var at = rest.IndexOf('<', StringComparison.Ordinal);
            if (at < 0)
            {
                Say(text, rest);
                break;
            }

            Say(text, rest[..at]);
            rest = rest[at..];
            var length = _isLineStart ? Take(rest, calls) : 1;
            if (length == 0)
            {
                _held = rest;
                break;
            }

            if (length < 0)
            {
                rest = rest[-length..];
                continue;
            }

            Say(text, rest[..length]);
            rest = rest[length..];
        }

        return text.ToString();
    }

    /// <summary>Passes over a piece without escapes that can begin no call, while nothing is held back.</summary>
    public void Skip(ReadOnlySpan<byte> piece) => _isLineStart &= piece.IsEmpty;

    /// <summary>What is still held back at the end.</summary>
    public string Flush()
    {
        var held = _held;
        _held = "";
        return held;
    }

    // 0: it may still become a call. Above: so much of it is text. Below: so much of it was a call.
    private int Take(string rest, List<(string Name, string Arguments)> calls)
    {
        if (rest.Length < Opening.Length)
        {
            return Opening.StartsWith(rest, StringComparison.Ordinal) ? 0 : 1;
        }

        if (!rest.StartsWith(Opening, StringComparison.Ordinal))
        {
            return 1;
        }

        var inner = rest.AsSpan(Opening.Length).TrimStart();
        if (!inner.IsEmpty && inner[0] != '{')
        {
            return Opening.Length;
        }

        var end = rest.IndexOf(Closing, StringComparison.Ordinal);
        if (end < 0)
        {
            return rest.Length > LongestCall ? rest.Length : 0;
        }

        var whole = end + Closing.Length;
        if (Read(rest[Opening.Length..end]) is not { } call)
        {
            return whole;
        }

        calls.Add(call);
        return -whole;
    }

    private (string Name, string Arguments)? Read(string json)
    {
        try
        {
            using var call = JsonDocument.Parse(json);
            return call.RootElement.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String && names.Contains(name.GetString()!)
                && call.RootElement.TryGetProperty("arguments", out var arguments) && arguments.ValueKind == JsonValueKind.Object
                ? (name.GetString()!, arguments.GetRawText())
                : null;
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private void Say(StringBuilder text, string said)
    {
        text.Append(said);
        _isLineStart = said.Length == 0 ? _isLineStart : said[^1] == '\n';
    }
}
