using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The shards of weights of a folder in MLC form, as their list (<c>tensor-cache.json</c>, in older models <c>ndarray-cache.json</c>) names them.</summary>
/// <param name="Source">The name of the list; null: there is none.</param>
/// <param name="Files">The name of each shard, and the bytes that it must have; none if the list makes no sense.</param>
/// <param name="BitsOfParameter">How many bits a parameter takes on average; null: it is not said.</param>
internal sealed record MlcShards(string? Source, IReadOnlyList<(string Name, long Bytes)> Files, double? BitsOfParameter)
{
    // Lists name every tensor; the largest known have some megabytes.
    private const long LargestList = 64 << 20;
    private const int MostShards = 10_000;
    private const int Deepest = 64;
    private static readonly string[] Lists = ["tensor-cache.json", "ndarray-cache.json"];

    /// <summary>The bytes of all shards.</summary>
    public long Bytes => Files.Aggregate(0L, static (sum, file) => Saturating.Add(sum, file.Bytes));

    /// <summary>How many parameters there are; null where it is not said, or makes no sense.</summary>
    public long? Parameters => BitsOfParameter is >= 0.5 and <= 64 and { } bits && Bytes is > 0 and < long.MaxValue / 16 ? (long)(Bytes * 8 / bits) : null;

    /// <summary>What the list of a folder says.</summary>
    public static MlcShards In(string folder)
    {
        foreach (var name in Lists)
        {
            if (Disk.Bytes(Path.Combine(folder, name), LargestList) is { } list)
            {
                return Parse(name, list);
            }
        }

        return new MlcShards(null, [], null);
    }

    /// <summary>Reads a list. Never throws for what is in it.</summary>
    internal static MlcShards Parse(string source, byte[] list)
    {
        var nothing = new MlcShards(source, [], null);
        using var document = Json.Parse(list, Deepest);
        if (document?.RootElement.ValueKind != JsonValueKind.Object)
        {
            return nothing;
        }

        var top = new ConfigPart(document.RootElement);
        if (top.Value("records") is not { ValueKind: JsonValueKind.Array } records || records.GetArrayLength() > MostShards)
        {
            return nothing;
        }

        var files = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var element in records.EnumerateArray())
        {
            // A name without folders: a list cannot lead out of its own.
            var record = element.ValueKind == JsonValueKind.Object ? new ConfigPart(element) : null;
            if (Path.GetFileName(record?.Text("dataPath")) is not { Length: > 0 } name || Number(record!, "nbytes") is not { } bytes || bytes is < 0 or > long.MaxValue / 2)
            {
                return nothing;
            }

            files[name] = (long)bytes;
        }

        return new MlcShards(source, [.. files.Select(static file => (file.Key, file.Value))], top.Object("metadata") is { } metadata ? Number(metadata, "BitsPerParam") : null);
    }

    /// <summary>The first shard that is not there or cut short, as a phrase; null: all are whole.</summary>
    public string? FaultIn(string folder)
    {
        if (Files.Count == 0)
        {
            return Source is null ? $"there is no {Lists[0]}" : $"{Source} names no shards of weights";
        }

        foreach (var (name, bytes) in Files)
        {
            var path = Path.Combine(folder, name);
            if (Disk.Length(path) is not { } length)
            {
                return $"the file {name} that {Source} names is {(Disk.IsEmpty(path) ? "empty" : "missing")}";
            }

            if (length < bytes)
            {
                return $"the file {name} has {new ByteSize(length)} of {new ByteSize(bytes)}";
            }

            if (!Disk.CanRead(path))
            {
                return $"the file {name} cannot be read by the user that the gateway runs as";
            }
        }

        return null;
    }

    private static double? Number(ConfigPart part, string name) => part.Value(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetDouble(out var number) ? number : null;
}
