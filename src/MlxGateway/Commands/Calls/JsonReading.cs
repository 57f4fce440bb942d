using System.Globalization;
using System.Text.Json;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Commands.Calls;

/// <summary>Reads answers without trusting them to be whole: what is not there is null.</summary>
internal static class JsonReading
{
    /// <summary>A member, or null where it is not there or null itself.</summary>
    public static JsonElement? At(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined) ? value : null;

    /// <summary>A text.</summary>
    public static string? Text(this JsonElement json, string name) => json.At(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    /// <summary>A whole number.</summary>
    public static long? Count(this JsonElement json, string name) => json.At(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) ? number : null;

    /// <summary>Any number.</summary>
    public static double? Number(this JsonElement json, string name) => json.At(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null;

    /// <summary>Whether it says true.</summary>
    public static bool Is(this JsonElement json, string name) => json.At(name) is { ValueKind: JsonValueKind.True };

    /// <summary>A quantity of bytes.</summary>
    public static ByteSize? Size(this JsonElement json, string name) => json.Count(name) is { } bytes ? new ByteSize(bytes) : null;

    /// <summary>A duration in seconds.</summary>
    public static TimeSpan? Seconds(this JsonElement json, string name) => json.Number(name) is { } seconds and > -1e9 and < 1e9 ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>A moment.</summary>
    public static DateTimeOffset? Time(this JsonElement json, string name) =>
        DateTimeOffset.TryParse(json.Text(name), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    /// <summary>The entries of a list; none where it is none.</summary>
    public static IEnumerable<JsonElement> Entries(this JsonElement json, string name) => json.At(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];

    /// <summary>The texts of a list.</summary>
    public static IReadOnlyList<string> Texts(this JsonElement json, string name) =>
        [.. json.Entries(name).Where(static e => e.ValueKind == JsonValueKind.String).Select(static e => e.GetString()!)];
}
