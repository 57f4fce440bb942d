using System.Text.Json;

namespace MlxGateway.Supervision.Processes;

/// <summary>Where the gateways of this user keep what they write down: one record for each gateway that has children, and the logs of those.</summary>
internal sealed class StateFolder(ProcessesOptions options)
{
    public string Logs => Path.Combine(Path.GetFullPath(options.StateDirectory), "logs");

    private string Gateways => Path.Combine(Path.GetFullPath(options.StateDirectory), "gateways");

    /// <summary>Every record there is, by its path. One that cannot be read, because another version wrote it, is passed over.</summary>
    public IReadOnlyList<(string Path, GatewayRecord Record)> Records()
    {
        var records = new List<(string, GatewayRecord)>();
        foreach (var path in Directory.Exists(Gateways) ? Directory.EnumerateFiles(Gateways, "*.json") : [])
        {
            try
            {
                if (JsonSerializer.Deserialize(File.ReadAllBytes(path), ChildRecordsJson.Default.GatewayRecord) is { Children: not null, Epoch: not null, Mark: not null } record)
                {
                    records.Add((path, record));
                }
            }
            catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
            {
            }
        }

        return records;
    }

    /// <summary>Replaces the record of a gateway; one without children has none.</summary>
    public void Write(GatewayRecord record)
    {
        var path = Path.Combine(Gateways, record.Mark + ".json");
        if (record.Children.Count == 0)
        {
            File.Delete(path);
            return;
        }

        // Written beside it and moved over it, so that nobody ever reads half a record.
        PrivateFiles.CreateFolder(Gateways);
        var draft = path + ".new";
        using (var file = PrivateFiles.Create(draft))
        {
            JsonSerializer.Serialize(file, record, ChildRecordsJson.Default.GatewayRecord);
        }

        File.Move(draft, path, overwrite: true);
    }

    /// <summary>Makes an empty log that no other child of any gateway has.</summary>
    /// <returns>Its path.</returns>
    public string CreateLog(string label, string unique)
    {
        PrivateFiles.CreateFolder(Logs);
        var name = string.Concat(label.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '-'));
        var path = Path.Combine(Logs, $"{name[..Math.Min(name.Length, 100)]}.{unique}.log");
        PrivateFiles.Create(path).Dispose();
        return path;
    }

    /// <summary>Deletes all logs but the newest, and never one that a recorded child writes to: a quiet runner's log may be the oldest of all.</summary>
    public void DeleteOldLogs(int keep)
    {
        if (!Directory.Exists(Logs))
        {
            return;
        }

        var used = Records().SelectMany(entry => entry.Record.Children).Select(child => child.LogFile).ToHashSet();
        foreach (var log in new DirectoryInfo(Logs).EnumerateFiles("*.log").Where(log => !used.Contains(log.Name)).OrderByDescending(log => log.LastWriteTimeUtc).Skip(keep))
        {
            File.Delete(log.FullName);
            File.Delete(log.FullName + LogFile.RotatedSuffix);
        }
    }
}
