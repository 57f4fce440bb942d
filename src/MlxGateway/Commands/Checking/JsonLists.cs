using System.Text.Json;

namespace MlxGateway.Commands.Checking;

/// <summary>Writes lists of texts.</summary>
internal static class JsonLists
{
    /// <summary>A member that is a list.</summary>
    public static void Write(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }
}
