using System.Threading.Channels;

namespace MlxGateway.Admin.Streams;

/// <summary>Lines on their way to one reader. Whoever writes them never waits: of a reader that is too slow the oldest are dropped, and counted.</summary>
internal sealed class LineBuffer
{
    /// <summary>How many lines a reader may be behind.</summary>
    public const int Most = 512;

    private readonly Channel<string> _lines;
    private long _dropped;

    public LineBuffer() =>
        _lines = Channel.CreateBounded<string>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ => Interlocked.Increment(ref _dropped));

    /// <summary>Takes a line. Never waits.</summary>
    public void Add(string line) => _lines.Writer.TryWrite(line);

    /// <summary>Completes when there is a line.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _lines.Reader.WaitToReadAsync(cancellationToken).AsTask();

    /// <summary>How many were dropped since this was asked last. They are older than everything that is left.</summary>
    public long TakeDropped() => Interlocked.Exchange(ref _dropped, 0);

    /// <summary>Takes the oldest line; null: there is none.</summary>
    public string? Take() => _lines.Reader.TryRead(out var line) ? line : null;
}
