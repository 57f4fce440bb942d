using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Reads JSON that anybody may have written. What is not as it should be is null; nothing throws.</summary>
internal static class Json
{
    private static ReadOnlySpan<byte> Mark => [0xEF, 0xBB, 0xBF];

    /// <summary>The document, without the mark that some editors put before a text; null if it is none, or is nested deeper than <paramref name="depth"/>.</summary>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> json, int depth)
    {
        try
        {
            return JsonDocument.Parse(json.Span.StartsWith(Mark) ? json[Mark.Length..] : json, new JsonDocumentOptions { MaxDepth = depth });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The name of a member; null if it is no text, such as one with half a surrogate pair.</summary>
    public static string? Name(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A text; null for anything else, such as one with half a surrogate pair.</summary>
    public static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A whole number from 0 on which fits. Some makers write 4096.0.</summary>
    public static int? Count(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number is >= 0 and <= int.MaxValue && double.IsInteger(number) ? (int)number : null;
}
