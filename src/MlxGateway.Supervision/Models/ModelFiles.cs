using System.Text.Json;

namespace MlxGateway.Supervision.Models;

/// <summary>What a runner would load from a file or folder.</summary>
/// <param name="Path">What the runner is given.</param>
/// <param name="Bytes">The bytes of all files that would be loaded; null where none could be found.</param>
/// <param name="Missing">What is not there, without the end of the sentence; null if all is.</param>
internal sealed record ModelFiles(string Path, ByteSize? Bytes, string? Missing)
{
    private const int GgufDepth = 2;
    private const long LargestIndex = 64 << 20;

    /// <summary>What the model may be sent.</summary>
    public ValueList<string> Modalities { get; init; } = Modality.TextAlone;

    /// <summary>The GGUF file that gives it images, which is among <see cref="Bytes"/>; null if there is none.</summary>
    public string? Projector { get; init; }

    /// <summary>Whether the folder has the files of a model in MLX form.</summary>
    public static bool IsMlx(string folder) =>
        Disk.Length(System.IO.Path.Combine(folder, "config.json")) is not null && FileWalk.Find(folder, ".safetensors", depth: 0).Count > 0;

    /// <summary>The GGUF files in a folder that models are launched with: first those that are whole, then those nearer to the top.</summary>
    public static IEnumerable<string> Ggufs(string folder, int depth = GgufDepth) =>
        FileWalk.Find(folder, ".gguf", depth).Where(path => GgufName.Of(path).IsLaunchable).OrderBy(path => Disk.Length(path) is null);

    /// <summary>What a GGUF file and the rest of its series hold.</summary>
    public static ModelFiles OfGguf(string file)
    {
        var projector = Supervision.Models.Projector.Beside(file);
        return OfFiles(file, [.. GgufName.Of(file).SeriesOf(file), .. projector is null ? Array.Empty<string>() : [projector]], needed: true) with
        {
            Projector = projector,
            Modalities = Modality.Of(sees: projector is not null, hears: false),
        };
    }

    /// <summary>What a kind loads from a folder.</summary>
    public static ModelFiles OfFolder(string folder, string kind) => kind switch
    {
        KindNames.LlamaServer => Ggufs(folder).FirstOrDefault() is { } first ? OfGguf(first) : new ModelFiles(folder, null, $"there is no .gguf file in {folder}"),
        KindNames.MlxLm => OfMlx(folder),
        KindNames.MlxVlm => OfMlx(folder) with { Modalities = ModalitiesOf(folder) },
        _ => OfFiles(folder, [.. FileWalk.Find(folder, ".safetensors", 0), .. FileWalk.Find(folder, ".bin", 0), .. FileWalk.Find(folder, ".gguf", 0)], needed: false),
    };

    private static ValueList<string> ModalitiesOf(string folder)
    {
        var config = ModelConfig.Read(folder);
        return Modality.Of(config.Sees, config.Hears);
    }

    private static ModelFiles OfMlx(string folder)
    {
        if (Disk.Length(System.IO.Path.Combine(folder, "config.json")) is null)
        {
            return new ModelFiles(folder, null, $"there is no config.json in {folder}");
        }

        var weights = Indexed(folder) ?? FileWalk.Find(folder, ".safetensors", depth: 0);
        return weights.Count > 0 ? OfFiles(folder, weights, needed: true) : new ModelFiles(folder, null, $"there are no .safetensors files in {folder}");
    }

    private static ModelFiles OfFiles(string path, IEnumerable<string> files, bool needed)
    {
        long bytes = 0;
        foreach (var file in files)
        {
            if (Disk.Length(file) is { } length)
            {
                bytes += length;
            }
            else if (needed)
            {
                return new ModelFiles(path, null, $"the file {file} does not exist or is empty");
            }

            if (needed && !Disk.CanRead(file))
            {
                return new ModelFiles(path, null, $"the file {file} cannot be read by the user that the gateway runs as");
            }
        }

        return new ModelFiles(path, bytes > 0 ? new ByteSize(bytes) : null, null);
    }

    /// <summary>The weight files that the index names; null if there is no index that can be read.</summary>
    private static List<string>? Indexed(string folder)
    {
        if (Disk.Text(System.IO.Path.Combine(folder, "model.safetensors.index.json"), LargestIndex) is not { } text)
        {
            return null;
        }

        try
        {
            using var index = JsonDocument.Parse(text);
            return index.RootElement.ValueKind == JsonValueKind.Object && index.RootElement.TryGetProperty("weight_map", out var map) && map.ValueKind == JsonValueKind.Object
                ? [.. map.EnumerateObject()
                    .Select(entry => entry.Value.ValueKind == JsonValueKind.String ? System.IO.Path.GetFileName(entry.Value.GetString()!) : "")
                    .Where(name => name.Length > 0)
                    .Distinct(StringComparer.Ordinal)
                    .Select(name => System.IO.Path.Combine(folder, name))]
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: a text with half a surrogate pair
        {
            return null;
        }
    }
}
