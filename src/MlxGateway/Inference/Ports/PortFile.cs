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

    /// <summary>The model of each port. A file that cannot be read says nothing.</summary>
    public IReadOnlyDictionary<int, string> Read()
    {
        try
        {
            var kept = File.Exists(_path) ? JsonSerializer.Deserialize(File.ReadAllBytes(_path), Format.Default.DictionaryStringString) : null;
            return (kept ?? []).Where(static e => Number(e.Key) is not null).ToDictionary(static e => Number(e.Key)!.Value, static e => e.Value);
        }
        catch (Exception unreadable) when (unreadable is JsonException or IOException or UnauthorizedAccessException)
        {
            return new Dictionary<int, string>();
        }
    }

    /// <summary>Remembers the model of a port; null: nothing is served there any more.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Write(int port, string? model)
    {
        var ports = Read().ToDictionary(static e => e.Key.ToString(CultureInfo.InvariantCulture), static e => e.Value);
        var name = port.ToString(CultureInfo.InvariantCulture);
        if (model is null)
        {
            ports.Remove(name);
        }
        else
        {
            ports[name] = model;
        }

        PrivateFiles.CreateFolder(folder);
        PrivateFiles.Replace(_path, file => JsonSerializer.Serialize(file, ports, Format.Default.DictionaryStringString));
    }

    private static int? Number(string name) => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and <= ushort.MaxValue ? port : null;

    [JsonSourceGenerationOptions(WriteIndented = true)]
    [JsonSerializable(typeof(Dictionary<string, string>))]
    private sealed partial class Format : JsonSerializerContext;
}
