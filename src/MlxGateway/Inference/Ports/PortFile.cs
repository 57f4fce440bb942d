using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Inference.Ports;

/// <summary>What is remembered of ports over a restart: the file <c>ports.json</c>, which model each serves.</summary>
/// <param name="folder">The state folder. Several gateways may share it: each changes the entries of its own ports only, and no two can have the same port.</param>
internal sealed partial class PortFile(string folder)
{
    private readonly string _path = Path.Combine(folder, "ports.json");

    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(2);

    /// <summary>What each port serves. A file that cannot be read says nothing.</summary>
    public IReadOnlyDictionary<int, KeptPort> Read()
    {
        try
        {
            var kept = File.Exists(_path) ? JsonSerializer.Deserialize(File.ReadAllBytes(_path), Format.Default.DictionaryStringKeptPort) : null;
            return (kept ?? []).Where(static e => Number(e.Key) is not null && e.Value?.Model is not null).ToDictionary(static e => Number(e.Key)!.Value, static e => e.Value);
        }
        catch (Exception unreadable) when (unreadable is JsonException or IOException or UnauthorizedAccessException)
        {
            return new Dictionary<int, KeptPort>();
        }
    }

    /// <summary>Remembers what a port serves; null: nothing any more.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(int port, KeptPort? kept)
    {
        PrivateFiles.CreateFolder(folder);
        IDisposable? alone = null;
        if (!SpinWait.SpinUntil(() => (alone = PrivateFiles.TryLock(_path)) is not null, Moment))
        {
            throw new IOException($"Another gateway holds {_path}.lock.");
        }

        using var held = alone;
        var ports = Read().ToDictionary(static e => e.Key.ToString(CultureInfo.InvariantCulture), static e => e.Value);
        var name = port.ToString(CultureInfo.InvariantCulture);
        if (kept is null)
        {
            ports.Remove(name);
        }
        else
        {
            ports[name] = kept;
        }

        PrivateFiles.Replace(_path, file => JsonSerializer.Serialize(file, ports, Format.Default.DictionaryStringKeptPort));
    }

    private static int? Number(string name) => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= ushort.MaxValue ? port : null;

    [JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
    [JsonSerializable(typeof(Dictionary<string, KeptPort>))]
    private sealed partial class Format : JsonSerializerContext;
}

/// <summary>What a port serves.</summary>
/// <param name="Model">The id of the model.</param>
/// <param name="IsFetched">Whether it was being fetched from the Hub, as somebody asked for, and is not here yet.</param>
internal sealed record KeptPort(string Model, bool IsFetched = false);
