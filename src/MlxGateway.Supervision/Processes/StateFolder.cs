using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MlxGateway.Supervision.Processes;

/// <summary>Where the gateways of this user keep what they write down: one record for each gateway that has children, one for each child that was kept, and their logs.</summary>
internal sealed class StateFolder(ProcessesOptions options)
{
    public string Logs => Path.Combine(Path.GetFullPath(options.StateDirectory), "logs");

    public string Kept => Path.Combine(Path.GetFullPath(options.StateDirectory), "kept");

    private string Gateways => Path.Combine(Path.GetFullPath(options.StateDirectory), "gateways");

    /// <summary>Every record there is, by its path. One that cannot be read, because another version wrote it, is passed over.</summary>
    public IReadOnlyList<(string Path, GatewayRecord Record)> Records() =>
        [.. Read(Gateways, "*.json", ChildRecordsJson.Default.GatewayRecord).Where(entry => entry.Record is { Children: not null, Epoch: not null, Mark: not null })];

    /// <summary>Every child that was kept, and that nobody has in a record of his own yet. One that cannot be read is passed over.</summary>
    public IReadOnlyList<(string Path, KeptChild Record)> KeptRecords() =>
        [.. Read(Kept, "*.json*", ChildRecordsJson.Default.KeptChild).Where(entry => entry.Record is { Epoch: not null, Mark: not null, LogFile: not null, Label: not null, Note: not null })];

    /// <summary>Replaces the record of a gateway; one without children has none.</summary>
    public void Write(GatewayRecord record)
    {
        var path = Path.Combine(Gateways, record.Mark + ".json");
        if (record.Children.Count == 0)
        {
            File.Delete(path);
            return;
        }

        Write(Gateways, path, record, ChildRecordsJson.Default.GatewayRecord);
    }

    /// <summary>Writes down a child that belongs to nobody.</summary>
    public void Write(KeptChild child) => Write(Kept, Path.Combine(Kept, child.Mark + ".json"), child, ChildRecordsJson.Default.KeptChild);

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

        var used = Records().SelectMany(entry => entry.Record.Children).Select(child => child.LogFile)
            .Concat(KeptRecords().Select(entry => entry.Record.LogFile)).ToHashSet();
        foreach (var log in new DirectoryInfo(Logs).EnumerateFiles("*.log").Where(log => !used.Contains(log.Name)).OrderByDescending(log => log.LastWriteTimeUtc).Skip(keep))
        {
            File.Delete(log.FullName);
            File.Delete(log.FullName + LogFile.RotatedSuffix);
        }
    }

    private static List<(string Path, T Record)> Read<T>(string folder, string pattern, JsonTypeInfo<T> type)
    {
        var records = new List<(string, T)>();
        foreach (var path in Directory.Exists(folder) ? Directory.EnumerateFiles(folder, pattern) : [])
        {
            try
            {
                if (JsonSerializer.Deserialize(File.ReadAllBytes(path), type) is { } record)
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

    private static void Write<T>(string folder, string path, T record, JsonTypeInfo<T> type)
    {
        PrivateFiles.CreateFolder(folder);
        PrivateFiles.Replace(path, file => JsonSerializer.Serialize(file, record, type));
    }
}
