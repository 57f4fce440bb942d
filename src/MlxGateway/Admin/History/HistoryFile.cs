using System.Buffers;
using System.Text.Json;

namespace MlxGateway.Admin.History;

/// <summary>
/// The history on the disk: one line of JSON for each request, in two files. When the newer one is full it becomes the older one, whose place it takes, so that what is kept is bounded and nothing is
/// ever rewritten. A line that was torn by a kill or a full disk is passed over. Several gateways may append to the same file: each writes whole lines in one piece.
/// </summary>
/// <param name="folder">Where the files are.</param>
/// <param name="capacity">How many lines one file holds.</param>
internal sealed class HistoryFile(string folder, int capacity)
{
    private readonly string _newer = Path.Combine(folder, "requests.jsonl");
    private readonly string _older = Path.Combine(folder, "requests.1.jsonl");
    private readonly ArrayBufferWriter<byte> _buffer = new();
    private int _lines;
    private bool _isTorn;

    /// <summary>The last requests that were written, oldest first. Never throws for what it finds.</summary>
    public IReadOnlyList<PastRequest> Read()
    {
        var older = Read(_older, out _);
        var newer = Read(_newer, out _isTorn);
        _lines = newer.Count;
        return [.. older.Concat(newer).TakeLast(capacity)];
    }

    /// <summary>Appends requests.</summary>
    /// <exception cref="IOException">The disk is full, or otherwise unable.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is not to be written to.</exception>
    public void Append(IReadOnlyList<PastRequest> requests)
    {
        _buffer.ResetWrittenCount();
        if (_isTorn)
        {
            _buffer.Write("\n"u8);
        }

        foreach (var request in requests)
        {
            using (var json = new Utf8JsonWriter(_buffer))
            {
                JsonSerializer.Serialize(json, request, HistoryLineJson.Default.PastRequest);
            }

            _buffer.Write("\n"u8);
        }

        CreateFolder();
        if (_lines >= capacity)
        {
            if (File.Exists(_newer))
            {
                File.Move(_newer, _older, overwrite: true);
            }

            _lines = 0;
        }

        // Whatever becomes of it, what is written next begins a line of its own.
        _isTorn = true;
        using (var file = new FileStream(_newer, Options()))
        {
            file.Write(_buffer.WrittenSpan);
        }

        _isTorn = false;
        _lines += requests.Count;
    }

    // Opened each time: another gateway may have moved it, and so it need not be known.
#pragma warning disable CA1416 // There is no Windows here.
    private static FileStreamOptions Options() => new()
    {
        Mode = FileMode.Append,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };

    private void CreateFolder() => Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
#pragma warning restore CA1416

    private static List<PastRequest> Read(string path, out bool isTorn)
    {
        var requests = new List<PastRequest>();
        isTorn = false;
        try
        {
            if (!File.Exists(path))
            {
                return requests;
            }

            var names = new Dictionary<string, string>(StringComparer.Ordinal);
            var bytes = File.ReadAllBytes(path).AsSpan();
            while (bytes.Length > 0)
            {
                var end = bytes.IndexOf((byte)'\n');
                isTorn = end < 0;
                if (TryParse(end < 0 ? bytes : bytes[..end]) is { } request)
                {
                    requests.Add(Share(request, names));
                }

                bytes = end < 0 ? default : bytes[(end + 1)..];
            }
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Then there is no history from before.
        }

        return requests;
    }

    private static PastRequest? TryParse(ReadOnlySpan<byte> line)
    {
        try
        {
            return line.Length == 0 ? null : JsonSerializer.Deserialize(line, HistoryLineJson.Default.PastRequest);
        }
        catch (Exception torn) when (torn is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    // Thousands of requests have a dozen models and routes: each name once in memory.
    private static PastRequest Share(PastRequest request, Dictionary<string, string> names)
    {
        return request with { Route = One(request.Route)!, Model = One(request.Model), Runner = One(request.Runner), Key = One(request.Key), Outcome = One(request.Outcome)!, Code = One(request.Code), FinishReason = One(request.FinishReason) };

        string? One(string? name) => name is null ? null : names.TryGetValue(name, out var known) ? known : names[name] = name;
    }
}
