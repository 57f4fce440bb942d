using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MlxGateway.Admin.Streams;

/// <summary>Lines for one reader. Whoever writes them never waits: of a reader that is too slow the oldest lines are dropped, and it is told how many.</summary>
internal sealed class LineFeed : IFeed
{
    /// <summary>How many lines a reader may be behind.</summary>
    public const int Most = LineBuffer.Most;

    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly LineBuffer _lines = new();
    private readonly Queue<string> _first;
    private readonly bool _isPlain;
    private IDisposable? _source;

    /// <param name="isPlain">Whether the lines are sent as they are, and not as events.</param>
    /// <param name="first">What is sent before all else; none of it is dropped.</param>
    public LineFeed(bool isPlain, IReadOnlyList<string> first)
    {
        _isPlain = isPlain;
        _first = new Queue<string>(first);
    }

    /// <inheritdoc/>
    public string ContentType => _isPlain ? "text/plain; charset=utf-8" : "text/event-stream";

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Pulse => _isPlain ? default : ": \n\n"u8.ToArray();

    /// <summary>Takes a line. Never waits.</summary>
    public void Add(string line) => _lines.Add(line);

    /// <summary>Hears what is written from now on.</summary>
    /// <param name="follow">Begins to listen, and returns what ends it.</param>
    public void Listen(Func<Action<string>, IDisposable> follow) => _source = follow(Add);

    /// <inheritdoc/>
    public Task WaitAsync(CancellationToken cancellationToken) => _first.Count > 0 ? Task.CompletedTask : _lines.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public bool TryWrite(IBufferWriter<byte> output)
    {
        if (_first.TryDequeue(out var known))
        {
            Write(output, known, 0);
            return true;
        }

        var dropped = _lines.TakeDropped();
        if (dropped > 0)
        {
            Write(output, null, dropped);
            return true;
        }

        if (_lines.Take() is not { } line)
        {
            return false;
        }

        Write(output, line, 0);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _source?.Dispose();

    /// <summary>The line that stands for those that were dropped, where a stream is plain text.</summary>
    public static string Gap(long dropped) => string.Create(CultureInfo.InvariantCulture, $"[{dropped} lines were dropped, because they were not read fast enough]");

    private void Write(IBufferWriter<byte> output, string? line, long dropped)
    {
        if (_isPlain)
        {
            Encoding.UTF8.GetBytes(line ?? Gap(dropped), output);
            output.Write("\n"u8);
            return;
        }

        output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(output, Readable))
        {
            json.WriteStartObject();
            if (line is not null)
            {
                json.WriteString("line", line);
            }
            else
            {
                json.WriteNumber("dropped", dropped);
            }

            json.WriteEndObject();
        }

        output.Write("\n\n"u8);
    }
}
