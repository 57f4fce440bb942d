using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Memory;

/// <summary>The file of footprints, which several gateways may share. Written beside it and moved over it, by one gateway at a time.</summary>
/// <param name="path">Where it is.</param>
internal sealed class FootprintFile(string path)
{
    /// <summary>What the file calls itself. One that calls itself otherwise is not understood, and not overwritten.</summary>
    public const string Format = "mlxgateway-footprints-1";

    // Longer than any launch may take; more is nonsense that somebody wrote.
    private const double MostSeconds = 24 * 60 * 60;

    private const long LargestFile = 16 << 20;

    /// <summary>What the file says; empty if there is none yet.</summary>
    /// <exception cref="InvalidDataException">It is not a file of footprints, or not a whole one.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public Dictionary<FootprintKey, FootprintRecord> Read()
    {
        var records = new Dictionary<FootprintKey, FootprintRecord>();
        if (!File.Exists(path))
        {
            return records;
        }

        foreach (var stored in Parse())
        {
            if (stored is { Key: { Model: not null, Runner: not null, Shape: not null, Launch: not null }, LoadedBytes: >= 0, Launches: >= 0 } && stored.PeakBytes >= stored.LoadedBytes)
            {
                records[stored.Key] = new FootprintRecord(new ByteSize(stored.LoadedBytes), new ByteSize(stored.PeakBytes), stored.At, stored.Launches) { LoadTime = stored.LoadSeconds is > 0 and < MostSeconds and var seconds ? TimeSpan.FromSeconds(seconds) : null };
            }
        }

        return records;
    }

    /// <summary>Replaces the file.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(IEnumerable<KeyValuePair<FootprintKey, FootprintRecord>> records)
    {
        var stored = records.Select(r => new StoredFootprint(r.Key, r.Value.Loaded.Bytes, r.Value.Peak.Bytes, r.Value.At, r.Value.Launches, r.Value.LoadTime?.TotalSeconds)).ToList();
        PrivateFiles.Replace(path, file => JsonSerializer.Serialize(file, new StoredFootprints(Format, stored), FootprintsJson.Default.StoredFootprints));
    }

    /// <summary>Puts a file that is not understood aside, so that a person may look at it.</summary>
    /// <returns>Where it is now.</returns>
    public string PutAside()
    {
        var aside = path + ".bad";
        File.Move(path, aside, overwrite: true);
        return aside;
    }

    /// <summary>Keeps other gateways from writing until it is disposed. Whoever dies meanwhile keeps nobody.</summary>
    /// <returns>Null: another one is writing.</returns>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public IDisposable? TryLock()
    {
        PrivateFiles.CreateFolder(System.IO.Path.GetDirectoryName(path)!);
        return PrivateFiles.TryLock(path);
    }

    private IReadOnlyList<StoredFootprint> Parse()
    {
        try
        {
            if (new FileInfo(path).Length <= LargestFile
                && JsonSerializer.Deserialize(File.ReadAllBytes(path), FootprintsJson.Default.StoredFootprints) is { Format: Format, Footprints: { } footprints })
            {
                return footprints;
            }
        }
        catch (JsonException broken)
        {
            throw new InvalidDataException("It is not whole.", broken);
        }

        throw new InvalidDataException("It is not what this version writes.");
    }
}

/// <summary>The form of the file.</summary>
/// <param name="Format"><see cref="FootprintFile.Format"/>.</param>
/// <param name="Footprints">In no order.</param>
internal sealed record StoredFootprints(string Format, IReadOnlyList<StoredFootprint> Footprints);

/// <summary>One entry of the file.</summary>
internal sealed record StoredFootprint(FootprintKey Key, long LoadedBytes, long PeakBytes, DateTimeOffset At, int Launches, double? LoadSeconds = null);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(StoredFootprints))]
internal sealed partial class FootprintsJson : JsonSerializerContext;
