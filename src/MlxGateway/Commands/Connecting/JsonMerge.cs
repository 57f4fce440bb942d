using System.Text.Json;
using System.Text.Json.Nodes;

namespace MlxGateway.Commands.Connecting;

/// <summary>Puts members into a JSON document. What is there and not spoken of stays; a list keeps its entries, of which one with the same <c>name</c> is replaced.</summary>
internal static class JsonMerge
{
    /// <summary>Merges.</summary>
    /// <exception cref="CommandFailure">What is there is no JSON object, or has comments, which would be lost.</exception>
    public static MergedText Of(string existing, string wanted)
    {
        try
        {
            var document = JsonNode.Parse(existing) as JsonObject ?? throw new CommandFailure(Exits.Refused, "is JSON, but not an object");
            var changes = new List<string>();
            Put(document, (JsonObject)JsonNode.Parse(wanted)!, "", changes);
            return new MergedText(JsonText.Of(document) + "\n", changes);
        }
        catch (JsonException)
        {
            throw new CommandFailure(Exits.Refused, IsJsonWithComments(existing) ? "has comments or trailing commas, which would be lost" : "is not valid JSON");
        }
        catch (ArgumentException)
        {
            throw new CommandFailure(Exits.Refused, "has a key twice"); // which of them counts is nobody's to guess
        }
    }

    private static bool IsJsonWithComments(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static void Put(JsonObject into, JsonObject wanted, string path, List<string> changes)
    {
        foreach (var (key, value) in wanted)
        {
            var here = path.Length == 0 ? key : $"{path}.{key}";
            switch (into.TryGetPropertyValue(key, out var there) ? there : null, value)
            {
                case (JsonObject before, JsonObject after): Put(before, after, here, changes); break;
                case (JsonArray before, JsonArray after): Put(before, after, here, changes); break;
                case (var before, _) when JsonNode.DeepEquals(before, value) && into.ContainsKey(key): break;
                default:
                    changes.Add($"{(into.ContainsKey(key) ? "changed" : "added")} {here}");
                    into[key] = value?.DeepClone();
                    break;
            }
        }
    }

    private static void Put(JsonArray into, JsonArray wanted, string path, List<string> changes)
    {
        foreach (var entry in wanted)
        {
            var name = NameOf(entry);
            var same = Enumerable.Range(0, into.Count).Where(i => JsonNode.DeepEquals(into[i], entry) || (name is not null && NameOf(into[i]) == name)).Cast<int?>().FirstOrDefault();
            if (same is { } at && !JsonNode.DeepEquals(into[at], entry))
            {
                changes.Add($"changed {path}[{name}]");
                into[at] = entry?.DeepClone();
            }
            else if (same is null)
            {
                changes.Add($"added {path}[{name ?? "…"}]");
                into.Add(entry?.DeepClone());
            }
        }
    }

    private static string? NameOf(JsonNode? entry) => entry is JsonObject o && o["name"] is JsonValue name && name.TryGetValue<string>(out var text) ? text : null;
}
