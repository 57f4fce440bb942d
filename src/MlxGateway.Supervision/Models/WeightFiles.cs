namespace MlxGateway.Supervision.Models;

/// <summary>The files that hold a model's weights.</summary>
internal static class WeightFiles
{
    /// <summary>Their paths, in the order in which engines read them.</summary>
    /// <param name="path">What a runner is launched with: a GGUF file, or a folder.</param>
    public static IReadOnlyList<string> Of(string path) => Disk.IsFolder(path)
        ? [.. FileWalk.From(path, 0, IsShard).Folders.SelectMany(folder => folder.Paths).Where(file => Disk.Length(file) is not null)]
        : [.. GgufName.Of(path).SeriesOf(path).Where(file => Disk.Length(file) is not null)];

    // In MLX form, or in MLC form.
    private static bool IsShard(ReadOnlySpan<char> name) =>
        name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || (name.StartsWith("params_shard_", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal));
}
