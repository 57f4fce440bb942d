using System.Text.Json;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Reads a folder in MLX form: what its configuration says, and whether its weights are there.</summary>
internal static class MlxFolder
{
    private const long LargestIndex = 64 << 20;

    /// <summary>What is in the folder.</summary>
    public static FileFacts Read(string folder)
    {
        if (Disk.Length(Path.Combine(folder, "config.json")) is null)
        {
            return new FileFacts(null, $"there is no config.json in {folder}");
        }

        var config = ModelConfig.Read(folder);
        var isAdapter = Disk.Length(Path.Combine(folder, "adapter_config.json")) is not null;
        var facts = new ModelFacts { Use = config.Generates ? ModelUse.Chat : isAdapter ? ModelUse.Adapter : ModelUse.Embedding, Modalities = Modality.Of(config.Sees, config.Hears) };
        var weights = Indexed(folder) ?? FileWalk.Find(folder, ".safetensors", depth: 0);
        return weights.Count == 0 ? new FileFacts(facts, $"there are no .safetensors files in {folder}")
            : weights.FirstOrDefault(file => Disk.Length(file) is null) is { } missing ? new FileFacts(facts, $"the file {missing} does not exist or is empty")
            : new FileFacts(facts with { TensorBytes = new ByteSize(weights.Sum(file => Disk.Length(file) ?? 0)) }, null);
    }

    /// <summary>The weight files that the index names; null if there is no index that can be read.</summary>
    private static List<string>? Indexed(string folder)
    {
        if (Disk.Text(Path.Combine(folder, "model.safetensors.index.json"), LargestIndex) is not { } text)
        {
            return null;
        }

        try
        {
            using var index = JsonDocument.Parse(text);
            return index.RootElement.ValueKind == JsonValueKind.Object && index.RootElement.TryGetProperty("weight_map", out var map) && map.ValueKind == JsonValueKind.Object
                ? [.. map.EnumerateObject()
                    .Select(entry => entry.Value.ValueKind == JsonValueKind.String ? Path.GetFileName(entry.Value.GetString()!) : "")
                    .Where(name => name.Length > 0)
                    .Distinct(StringComparer.Ordinal)
                    .Select(name => Path.Combine(folder, name))]
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: a text with half a surrogate pair
        {
            return null;
        }
    }
}
