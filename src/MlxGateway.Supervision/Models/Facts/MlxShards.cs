using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The files that an MLX engine loads the weights of a folder from.</summary>
/// <param name="Files">Their full paths, ordered.</param>
/// <param name="AreIndexed">Whether an index names them, so that all must be there.</param>
internal sealed record MlxShards(IReadOnlyList<string> Files, bool AreIndexed)
{
    private const string Index = "model.safetensors.index.json";

    // The largest known has 17 MB, by the names of its 150,000 tensors.
    private const long LargestIndex = 64 << 20;
    private const int MostShards = 10_000;
    private const int Deepest = 64;

    /// <summary>What the index names, otherwise what is called <c>model*.safetensors</c>, all that <c>mlx_lm</c> looks for; otherwise any file of that kind, which the others load.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="index">What the index is called.</param>
    public static MlxShards In(string folder, string index = Index)
    {
        if (Disk.Bytes(Path.Combine(folder, index), LargestIndex) is { } json && Names(json) is { Count: > 0 } names)
        {
            return new MlxShards([.. names.Select(name => Path.Combine(folder, name))], true);
        }

        var all = FileWalk.Find(folder, ".safetensors", depth: 0);
        var models = all.Where(file => Path.GetFileName(file).StartsWith("model", StringComparison.Ordinal)).ToList();
        return new MlxShards(models.Count > 0 ? models : all, false);
    }

    /// <summary>The names of the files in an index, ordered; null if it is none.</summary>
    internal static IReadOnlyCollection<string>? Names(ReadOnlySpan<byte> index)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        var last = default(ReadOnlySpan<byte>);
        try
        {
            var reader = new Utf8JsonReader(index, new JsonReaderOptions { MaxDepth = Deepest });
            var isMap = false;
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                {
                    isMap = reader.ValueTextEquals("weight_map"u8) && reader.Read() && reader.TokenType == JsonTokenType.StartObject;
                }
                else if (isMap && reader is { TokenType: JsonTokenType.String, CurrentDepth: 2 } && !reader.ValueSpan.SequenceEqual(last)) // tensors of one file mostly follow each other
                {
                    last = reader.ValueSpan;
                    if (Path.GetFileName(reader.GetString()!) is { Length: > 0 } name && names.Add(name) && names.Count > MostShards)
                    {
                        return null;
                    }
                }
            }

            return names;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // the latter: a text with half a surrogate pair
        }
    }
}
