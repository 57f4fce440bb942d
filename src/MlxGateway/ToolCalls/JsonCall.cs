using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>Reads calls that are JSON: <c>{"name": …, "arguments": {…}}</c>, or <c>parameters</c> as Llama calls them.</summary>
internal static class JsonCall
{
    private static readonly string[] Members = ["name", "arguments", "parameters", "type", "function", "id"];

    /// <summary>Whether what there is of an object shows already that it is no call: it begins with another member, or names no function that there is.</summary>
    public static bool IsNone(ReadOnlySpan<char> json, ToolSet tools)
    {
        var rest = json[1..].TrimStart();
        if (rest.IsEmpty)
        {
            return false;
        }

        if (rest[0] != '"')
        {
            return true;
        }

        var key = LengthOfText(rest);
        if (key < 0)
        {
            return rest.Length > 16; // longer than any of the names
        }

        var name = rest.Slice(1, key);
        if (!Contains(Members, name))
        {
            return true;
        }

        if (!name.SequenceEqual("name"))
        {
            return false;
        }

        rest = rest[(key + 2)..].TrimStart();
        if (!rest.IsEmpty && rest[0] != ':')
        {
            return true;
        }

        rest = rest.IsEmpty ? rest : rest[1..].TrimStart();
        return !rest.IsEmpty && (rest[0] != '"' || (LengthOfText(rest) is >= 0 and var length && tools.Find(rest.Slice(1, length)) is null));
    }

    /// <summary>Reads one call, or a list of them.</summary>
    /// <returns>Null: it is none, or calls what there is not.</returns>
    public static IReadOnlyList<FoundCall>? Read(ReadOnlySpan<char> json, ToolSet tools)
    {
        try
        {
            using var document = JsonDocument.Parse(json.ToString());
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Array)
            {
                return ReadOne(root, tools) is { } one ? [one] : null;
            }

            var calls = root.EnumerateArray().Select(each => ReadOne(each, tools)).ToList();
            return calls.Count > 0 && calls.TrueForAll(static call => call is not null) ? calls.ConvertAll(static call => call!.Value) : null;
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return null; // the second: an escape that is no character
        }
    }

    /// <summary>Whether a text is a JSON object.</summary>
    public static bool IsObject(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static FoundCall? ReadOne(JsonElement call, ToolSet tools)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("name", out var name) || name.ValueKind != JsonValueKind.String || tools.Find(name.GetString()!) is not { } tool)
        {
            return null;
        }

        if (!call.TryGetProperty("arguments", out var arguments) && !call.TryGetProperty("parameters", out arguments))
        {
            return null;
        }

        return arguments.ValueKind switch
        {
            JsonValueKind.Object => new FoundCall(tool.Name, arguments.GetRawText()),
            JsonValueKind.String when IsObject(arguments.GetString()!) => new FoundCall(tool.Name, arguments.GetString()!),
            _ => null,
        };
    }

    // The length of the text that stands at the front, without its quotes; −1: its end has not come. One with escapes is no name that matters.
    private static int LengthOfText(ReadOnlySpan<char> rest) => rest[1..].IndexOf('"');

    private static bool Contains(string[] names, ReadOnlySpan<char> name)
    {
        foreach (var each in names)
        {
            if (name.SequenceEqual(each))
            {
                return true;
            }
        }

        return false;
    }
}
