using System.Threading.Channels;
using MlxGateway.Inference;

namespace MlxGateway.Admin.History;

/// <summary>
/// Remembers the requests that are over: the last ones in memory, where they are looked for, and in a file, from which they are read at the next start. It works behind the requests' back, and no
/// request ever waits for the disk.
/// </summary>
internal sealed partial class RequestHistory : IRequestObserver, IHostedService, IDisposable
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(200);
    private const int MostBehind = 65_536;

    private readonly Channel<(RequestRecord Record, DateTimeOffset At)> _over = Channel.CreateBounded<(RequestRecord, DateTimeOffset)>(new BoundedChannelOptions(MostBehind) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _lock = new();
    private readonly Queue<PastRequest> _last = [];
    private readonly HistoryFile _file;
    private readonly int _capacity;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private long _number;
    private int _isArmed;
    private bool _isRead;
    private bool _isFailing;

    /// <param name="folder">Where the file is.</param>
    /// <param name="capacity">How many are remembered; 0: none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public RequestHistory(string folder, int capacity, TimeProvider time, ILogger<RequestHistory> logger)
    {
        _file = new HistoryFile(folder, capacity);
        (_capacity, _time, _logger) = (capacity, time, logger);
        _timer = time.CreateTimer(static self => ((RequestHistory)self!).TakeIn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Completed(RequestRecord record)
    {
        if (_capacity > 0 && _over.Writer.TryWrite((record, _time.GetUtcNow())) && Interlocked.Exchange(ref _isArmed, 1) == 0)
        {
            _timer.Change(Moment, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>The requests that are wanted, the newest first, and what the next page begins behind; null: there is none.</summary>
    public HistoryAnswer Find(HistoryQuery query)
    {
        // Whoever asks at once after a request sees it.
        TakeIn();
        PastRequest[] all;
        lock (_lock)
        {
            all = [.. _last];
        }

        var page = new List<PastRequest>(Math.Min(query.Limit, all.Length));
        for (var i = all.Length - 1; i >= 0; i--)
        {
            if (query.Wants(all[i]))
            {
                if (page.Count == query.Limit)
                {
                    return new HistoryAnswer(page, page[^1].Number);
                }

                page.Add(all[i]);
            }
        }

        return new HistoryAnswer(page, null);
    }

    /// <summary>The requests behind the one of that number, the oldest first. Costs next to nothing where there is none.</summary>
    /// <param name="number">The number of the last request that is known; 0: none is.</param>
    /// <param name="most">How many at most; of more the newest ones.</param>
    public IReadOnlyList<PastRequest> Behind(long number, int most)
    {
        TakeIn();
        lock (_lock)
        {
            return _number <= number ? [] : [.. _last.Where(request => request.Number > number).TakeLast(most)];
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Writes what is still to be written.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        TakeIn();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void TakeIn()
    {
        Volatile.Write(ref _isArmed, 0);
        lock (_lock)
        {
            ReadOnce_NeedsLock();
            var fresh = new List<PastRequest>();
            while (_over.Reader.TryRead(out var over))
            {
                fresh.Add(PastRequest.Of(over.Record, ++_number, over.At));
            }

            fresh.ForEach(Remember_NeedsLock);
            Write_NeedsLock(fresh);
        }
    }

    // Not at the start, which nobody should have to wait for.
    private void ReadOnce_NeedsLock()
    {
        if (_isRead || _capacity == 0)
        {
            return;
        }

        _isRead = true;
        foreach (var request in _file.Read())
        {
            // Another gateway over the same folder counts by itself, so that a number may be there twice.
            _number = Math.Max(_number + 1, request.Number);
            Remember_NeedsLock(request with { Number = _number });
        }
    }

    private void Remember_NeedsLock(PastRequest request)
    {
        _last.Enqueue(request);
        if (_last.Count > _capacity)
        {
            _last.Dequeue();
        }
    }

    private void Write_NeedsLock(List<PastRequest> fresh)
    {
        if (fresh.Count == 0)
        {
            return;
        }

        try
        {
            _file.Append(fresh);
            _isFailing = false;
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            // A disk that stays full is told once. What is in memory can still be looked at.
            if (!_isFailing)
            {
                Log.NotWritten(_logger, failed.Message);
            }

            _isFailing = true;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5101, LogLevel.Warning, "The history of requests cannot be written, so that what is over now will not be known after a restart: {Why}")]
        public static partial void NotWritten(ILogger logger, string why);
    }
}
