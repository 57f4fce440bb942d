using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>The files that hold a model's weights.</summary>
internal static class WeightFiles
{
    /// <summary>Their paths, in the order in which engines read them.</summary>
    /// <param name="path">What a runner is launched with: a GGUF file, or a folder.</param>
    public static IReadOnlyList<string> Of(string path) => Disk.IsFolder(path)
        ? [.. Files(path).Where(file => Disk.Length(file) is not null)]
        : [.. GgufName.Of(path).SeriesOf(path).Where(file => Disk.Length(file) is not null)];

    // What makes images has its weights in folders of its parts, and perhaps once more at the top, for other programs.
    private static IEnumerable<string> Files(string folder) => Disk.Length(Path.Combine(folder, MlxPipeline.Index)) is null
        ? FileWalk.From(folder, depth: 0, IsShard).Folders.SelectMany(at => at.Paths)
        : FileWalk.From(folder, depth: 1, IsShard).Folders.Skip(1).SelectMany(part => part.Paths);

    // In MLX form, or in MLC form.
    private static bool IsShard(ReadOnlySpan<char> name) =>
        name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) || (name.StartsWith("params_shard_", StringComparison.Ordinal) && name.EndsWith(".bin", StringComparison.Ordinal));
}
