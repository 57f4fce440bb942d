namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Reads what a folder of parts says that together make images: <c>model_index.json</c> at its top, and the weights in folders of their own.</summary>
/// <remarks>Never throws for what lies there, and reads no weights: of each file the head alone.</remarks>
internal static class MlxPipeline
{
    /// <summary>The file that names the parts.</summary>
    public const string Index = "model_index.json";

    private const string PartIndex = "diffusion_pytorch_model.safetensors.index.json";

    // The largest known has 2 KB.
    private const long LargestIndex = 1 << 20;

    // The pipelines that mlx_vlm has a design for, by how the names of their classes begin: QwenImageEditPlusPipeline is one of QwenImage.
    private static readonly string[] Families = ["Flux2", "Flux3", "ZImage", "QwenImage", "ErnieImage", "Ideogram4", "LLaDAImage", "MageFlow", "MingImage", "MossImage", "Bonsai"];

    /// <summary>What the files say, and the first thing that is wrong with them; null: it is no such folder, or one that no engine here knows.</summary>
    public static FileFacts? Read(string folder) => Disk.Bytes(Path.Combine(folder, Index), LargestIndex) is { } json && ClassOf(json) is { } name ? Of(folder, name) : null;

    /// <summary>The name of the class that makes images of the parts; null: there is none, or no engine here knows it.</summary>
    internal static string? ClassOf(byte[] json)
    {
        using var keys = ConfigKeys.Parse(json);
        return keys?.Whole[0].Text("_class_name") is { } name && Array.Exists(Families, family => name.StartsWith(family, StringComparison.Ordinal)) ? name : null;
    }

    private static FileFacts Of(string folder, string name)
    {
        var tally = new TensorTally(MlxQuantisation.Of(null));
        string? fault = null;
        foreach (var part in FileWalk.From(folder, depth: 1, static file => file.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)).Folders.Skip(1)) // a single file at the top is the same once more
        {
            var shards = MlxShards.In(part.Path, PartIndex) is { AreIndexed: true } indexed ? indexed : MlxShards.In(part.Path);
            foreach (var shard in shards.Files)
            {
                var one = MlxFacts.FaultOfShard(shard, shards.AreIndexed, tally);
                fault ??= one is null ? null : $"in {Path.GetFileName(part.Path)}, {one}";
            }
        }

        var facts = new ModelFacts
        {
            Use = ModelUse.Images,
            Architecture = name,
            Quantisation = tally.MainType,
            Parameters = tally.Bytes > 0 ? tally.Parameters : null,
            TensorBytes = tally.Bytes > 0 ? new ByteSize(tally.Bytes) : null,
        };
        return new FileFacts(facts, fault ?? (tally.Bytes > 0 ? null : "there are no .safetensors files in the folders of its parts"));
    }
}
