using System.Text.Json;

namespace MlxGateway.Supervision.Models;

/// <summary>What a file of hosts for <c>mlx.launch</c> says: a list of hosts, or an object with <c>hosts</c>, <c>backend</c> and <c>envs</c>. It is not our format: whatever else is in it is left alone.</summary>
/// <param name="Hosts">The hosts, in the order of their ranks.</param>
/// <param name="Backend">How the ranks talk; null: it does not say.</param>
internal sealed record Hostfile(IReadOnlyList<HostfileEntry> Hosts, string? Backend)
{
    // A list of machines. Whatever is larger is another file.
    private const int LongestFile = 1 << 20;

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its absolute path.</param>
    /// <param name="fault">What is wrong with it, as the end of a sentence; null: nothing.</param>
    public static Hostfile? Read(string path, out string? fault)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: <= LongestFile })
            {
                return Parse(File.ReadAllText(path), out fault);
            }

            fault = File.Exists(path) ? $"{path} is too large for a list of hosts" : $"the file {path} does not exist";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = $"{path} cannot be read: {e.Message}";
        }

        return null;
    }

    /// <summary>Reads what a file says.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="fault">What is wrong with it, as the end of a sentence; null: nothing.</param>
    public static Hostfile? Parse(string text, out string? fault)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            var root = json.RootElement;
            var hosts = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("hosts", out var named) ? named : root;
            if (hosts.ValueKind != JsonValueKind.Array)
            {
                throw new FormatException("is neither a list of hosts nor an object with \"hosts\"");
            }

            var backend = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("backend", out var told) ? Text(told, "\"backend\"") : null;
            fault = null;
            return new Hostfile([.. hosts.EnumerateArray().Select(Entry)], string.IsNullOrEmpty(backend) ? null : backend);
        }
        catch (JsonException e)
        {
            fault = $"is no JSON: {e.Message}";
        }
        catch (FormatException e)
        {
            fault = e.Message;
        }

        return null;
    }

    private static HostfileEntry Entry(JsonElement host, int rank)
    {
        if (host.ValueKind != JsonValueKind.Object || !host.TryGetProperty("ssh", out var name) || Text(name, $"\"ssh\" of host {rank}") is not { Length: > 0 } ssh)
        {
            throw new FormatException($"host {rank} has no \"ssh\"");
        }

        return new HostfileEntry(
            new RankHost(ssh, ValueList.From(List(host, "ips", rank).Select(address => Text(address, $"\"ips\" of host {rank}")))),
            [.. List(host, "rdma", rank).Select(device => device.ValueKind != JsonValueKind.Null)]);
    }

    private static JsonElement[] List(JsonElement host, string name, int rank) =>
        !host.TryGetProperty(name, out var list) ? []
        : list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()]
        : throw new FormatException($"\"{name}\" of host {rank} is no list");

    private static string Text(JsonElement element, string what) => element.ValueKind == JsonValueKind.String ? element.GetString()! : throw new FormatException($"{what} is no text");
}

/// <summary>One host of a file.</summary>
/// <param name="Host">Its name and addresses.</param>
/// <param name="Devices">For each rank, whether there is a device for RDMA to it; empty: nothing is said of RDMA.</param>
internal sealed record HostfileEntry(RankHost Host, IReadOnlyList<bool> Devices);
