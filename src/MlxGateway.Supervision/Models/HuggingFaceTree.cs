using System.Text.Json;

namespace MlxGateway.Supervision.Models;

/// <summary>What a repository consists of, as newer versions of the Hub's client note it in <c>trees/COMMIT.json</c> before they fetch the files.</summary>
/// <param name="NeededByMlx">The files at the top that an MLX engine does not start without.</param>
/// <param name="Ggufs">The GGUF files, each with the name that its blob has in the cache.</param>
internal sealed record HuggingFaceTree(IReadOnlyList<string> NeededByMlx, IReadOnlyList<(string Name, string Blob)> Ggufs)
{
    private const long Largest = 16 << 20;

    /// <summary>Reads a file; null if it is none of these.</summary>
    public static HuggingFaceTree? Read(string path)
    {
        if (Disk.Text(path, Largest) is not { } text)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("files", out var files) || files.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            // Names lead nowhere but into the repository.
            var all = files.EnumerateObject().Where(file => !file.Name.StartsWith('/') && !file.Name.Contains("..", StringComparison.Ordinal)).ToList();
            return new HuggingFaceTree(
                [.. all.Select(file => file.Name).Where(IsNeeded)],
                [.. all.Where(file => file.Name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)).Select(file => (file.Name, Blob: Blob(file.Value))).Where(file => file.Blob.Length > 0)]);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: a text with half a surrogate pair
        {
            return null;
        }
    }

    // Weights beside an index are looked for by the index; those in folders are of other programs.
    private static bool IsNeeded(string name) =>
        name is "config.json" or "tokenizer.json" or "tokenizer.model" or "tokenizer_config.json" or "model.safetensors.index.json" or "model.safetensors";

    private static string Blob(JsonElement file) =>
        file.ValueKind != JsonValueKind.Object ? "" : Text(file, "lfs_sha256") is { Length: > 0 } large ? large : Text(file, "blob_id");

    private static string Text(JsonElement file, string name) => file.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
