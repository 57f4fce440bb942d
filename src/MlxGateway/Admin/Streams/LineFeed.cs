using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Threading.Channels;

namespace MlxGateway.Admin.Streams;

/// <summary>Lines for one reader. Whoever writes them never waits: of a reader that is too slow the oldest lines are dropped, and it is told how many.</summary>
internal sealed class LineFeed : IFeed
{
    /// <summary>How many lines a reader may be behind.</summary>
    public const int Most = 512;

    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private readonly Channel<string> _lines;
    private readonly Queue<string> _first;
    private readonly bool _isPlain;
    private IDisposable? _source;
    private long _dropped;

    /// <param name="isPlain">Whether the lines are sent as they are, and not as events.</param>
    /// <param name="first">What is sent before all else; none of it is dropped.</param>
    public LineFeed(bool isPlain, IReadOnlyList<string> first)
    {
        _isPlain = isPlain;
        _first = new Queue<string>(first);
        _lines = Channel.CreateBounded<string>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ => Interlocked.Increment(ref _dropped));
    }

    /// <inheritdoc/>
    public string ContentType => _isPlain ? "text/plain; charset=utf-8" : "text/event-stream";

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> Pulse => _isPlain ? default : ": \n\n"u8.ToArray();

    /// <summary>Takes a line. Never waits.</summary>
    public void Add(string line) => _lines.Writer.TryWrite(line);

    /// <summary>Hears what is written from now on.</summary>
    /// <param name="follow">Begins to listen, and returns what ends it.</param>
    public void Listen(Func<Action<string>, IDisposable> follow) => _source = follow(Add);

    /// <inheritdoc/>
    public Task WaitAsync(CancellationToken cancellationToken) => _first.Count > 0 ? Task.CompletedTask : _lines.Reader.WaitToReadAsync(cancellationToken).AsTask();

    /// <inheritdoc/>
    public bool TryWrite(IBufferWriter<byte> output)
    {
        if (_first.TryDequeue(out var known))
        {
            Write(output, known, 0);
            return true;
        }

        // What was dropped is older than everything that is left.
        var dropped = Interlocked.Exchange(ref _dropped, 0);
        if (dropped > 0)
        {
            Write(output, null, dropped);
            return true;
        }

        if (!_lines.Reader.TryRead(out var line))
        {
            return false;
        }

        Write(output, line, 0);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _source?.Dispose();

    private void Write(IBufferWriter<byte> output, string? line, long dropped)
    {
        if (_isPlain)
        {
            Encoding.UTF8.GetBytes(line ?? string.Create(CultureInfo.InvariantCulture, $"[{dropped} lines were dropped, because they were not read fast enough]"), output);
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
