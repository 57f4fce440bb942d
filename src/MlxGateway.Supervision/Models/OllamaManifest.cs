using System.Text.Json;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>What a manifest of Ollama's says that a model consists of. Templates, parameters and licences are left to the engine's own.</summary>
/// <param name="Model">The GGUF file; null if the model is in another form.</param>
/// <param name="Projector">What gives it images; null if nothing does.</param>
/// <param name="Adapters">What changes it.</param>
internal sealed partial record OllamaManifest(OllamaLayer? Model, OllamaLayer? Projector, IReadOnlyList<OllamaLayer> Adapters)
{
    private const long Largest = 4 << 20;

    /// <summary>Reads a file; null if it is no manifest.</summary>
    public static OllamaManifest? Read(string path)
    {
        if (Disk.Text(path, Largest) is not { } text)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("layers", out var layers) || layers.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            var all = layers.EnumerateArray().Select(Layer).Where(layer => layer.Kind.Length > 0).ToList();
            return new OllamaManifest(First("model"), First("projector"), [.. all.Where(layer => layer.Kind == "application/vnd.ollama.image.adapter").Select(layer => layer.Blob)]);

            OllamaLayer? First(string kind) => all.Find(layer => layer.Kind == $"application/vnd.ollama.image.{kind}") is { Kind.Length: > 0 } found ? found.Blob : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: a text with half a surrogate pair
        {
            return null;
        }
    }

    private static (string Kind, OllamaLayer Blob) Layer(JsonElement layer)
    {
        if (layer.ValueKind != JsonValueKind.Object || Text(layer, "mediaType") is not { } kind || Text(layer, "digest") is not { } digest || !Digest().IsMatch(digest))
        {
            return ("", default);
        }

        return (kind, new OllamaLayer("sha256-" + digest[7..], layer.TryGetProperty("size", out var size) && size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out var bytes) ? bytes : null));
    }

    private static string? Text(JsonElement layer, string name) => layer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // Anything else could lead out of the folder.
    [GeneratedRegex("^sha256[:-][0-9a-f]{64}$")]
    private static partial Regex Digest();
}

/// <summary>One file of a model of Ollama's.</summary>
/// <param name="Blob">The name of the file in <c>blobs</c>.</param>
/// <param name="Size">How many bytes it has; null if the manifest does not say.</param>
internal readonly record struct OllamaLayer(string Blob, long? Size);
