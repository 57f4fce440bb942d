using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>One object of a configuration. Whatever is not as it should be is not there. Asked again and again, it looks only once.</summary>
internal sealed class ConfigPart
{
    /// <summary>The most entries of a list of layers that are read: no model is nearly as deep.</summary>
    public const int LongestList = 2_000;

    // Configurations have some hundred keys; what comes after so many is somebody's attempt to keep us busy.
    private const int MostKeys = 4_096;

    private readonly Dictionary<string, JsonElement> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, object?> _read = new(StringComparer.Ordinal);

    /// <summary>The members of <paramref name="element"/>, the last of those with one name.</summary>
    public ConfigPart(JsonElement element)
    {
        foreach (var member in element.EnumerateObject().Take(MostKeys))
        {
            if (Json.Name(member) is { } name)
            {
                _members[name] = member.Value;
            }
        }
    }

    /// <summary>Whether any of its values is an object.</summary>
    public bool HasObjects => _members.Values.Any(value => value.ValueKind == JsonValueKind.Object);

    /// <summary>A value that is not null.</summary>
    public JsonElement? Value(string name) => _members.TryGetValue(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>A whole number above 0 which fits.</summary>
    public int? Count(string name) => Value(name) is { } value && Json.Count(value) is { } count and > 0 ? count : null;

    /// <summary>A text.</summary>
    public string? Text(string name) => Value(name) is { } value ? Once(name, () => Json.Text(value)) : null;

    /// <summary>An object.</summary>
    public ConfigPart? Object(string name) => Value(name) is { ValueKind: JsonValueKind.Object } value ? Once(name, () => new ConfigPart(value)) : null;

    /// <summary>The objects of a list; null if it is none, holds anything else or is too long.</summary>
    public ConfigPart[]? Objects(string name) => List(name, one => one.ValueKind == JsonValueKind.Object ? new ConfigPart(one) : null);

    /// <summary>The texts of a list; null if it is none, holds anything else or is too long.</summary>
    public string[]? Texts(string name) => List(name, Json.Text);

    /// <summary>The whole numbers, 0 or more, of a list; null if it is none, holds anything else or is too long.</summary>
    public int[]? Counts(string name) => List(name, one => Json.Count(one) is { } count ? (object)count : null) is { } counts ? Once(name + " ", () => counts.Cast<int>().ToArray()) : null;

    private T[]? List<T>(string name, Func<JsonElement, T?> read)
        where T : class =>
        Value(name) is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() <= LongestList
            ? Once(name, () => list.EnumerateArray().Select(read).ToArray() is var all && Array.TrueForAll(all, one => one is not null) ? all : null) as T[]
            : null;

    // A key is read in one way in each design; if two ask differently, the second finds nothing.
    private T? Once<T>(string name, Func<T?> read)
        where T : class
    {
        if (!_read.TryGetValue(name, out var value))
        {
            _read[name] = value = read();
        }

        return value as T;
    }
}
