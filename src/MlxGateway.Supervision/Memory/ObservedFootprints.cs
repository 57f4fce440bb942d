using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Remembers what models were seen to take, in a file that outlives the gateway and may be shared with others.</summary>
/// <remarks>
/// What was learned and not yet written is kept apart from what is known of the file: a write reads the file again, adds only what is new, and replaces it,
/// so that what another gateway wrote meanwhile stays and is known from then on.
/// </remarks>
/// <param name="file">Where it is kept.</param>
/// <param name="versions">Which engines are here; null: nobody knows.</param>
internal sealed partial class ObservedFootprints(FootprintFile file, IEngineVersions? versions, TimeProvider time, ILogger<ObservedFootprints> logger) : IFootprintRecords, IDisposable
{
    /// <summary>The most entries that are kept; what was seen longest ago goes first.</summary>
    public const int Capacity = 1000;

    /// <summary>How long a lesson may wait for others before they are written together.</summary>
    public static readonly TimeSpan WriteDelay = TimeSpan.FromSeconds(5);

    // How long the last write may wait for another gateway's, when this one is going.
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Lock _writing = new();
    private Dictionary<FootprintKey, FootprintRecord>? _known;
    private Dictionary<FootprintKey, FootprintRecord> _news = [];
    private Dictionary<FootprintKey, FootprintRecord> _inWriting = [];
    private ITimer? _timer;
    private bool _isDisposed;

    // A disk that is full stays so for a while; that is said once.
    private bool _hasComplained;

    private enum Outcome
    {
        /// <summary>Nothing is left to write.</summary>
        Written,

        /// <summary>Another gateway is writing.</summary>
        Busy,

        /// <summary>It cannot be written.</summary>
        Failed,
    }

    /// <inheritdoc/>
    public ByteSize? PeakOf(ModelSpec model, LaunchShape shape) => RecordOf(model, shape)?.Peak;

    /// <inheritdoc/>
    public TimeSpan? LoadTimeOf(ModelSpec model, LaunchShape shape) => RecordOf(model, shape)?.LoadTime;

    /// <inheritdoc/>
    public FootprintRecord? RecordOf(ModelSpec model, LaunchShape shape)
    {
        var key = KeyOf(model, shape);

        // Read outside of the lock: whoever learns must not wait for a disk.
        var read = Volatile.Read(ref _known) is null ? ReadOrNothing() : null;
        lock (_lock)
        {
            _known ??= read!;
            return Find_NeedsLock(key);
        }
    }

    /// <inheritdoc/>
    public void Learn(ModelSpec model, LaunchShape shape, FootprintLesson lesson)
    {
        var key = KeyOf(model, shape);
        var peak = ByteSize.Max(lesson.Loaded, lesson.Peak);
        var news = new FootprintRecord(lesson.Loaded, peak, time.GetUtcNow(), lesson.IsFirst ? 1 : 0) { LoadTime = lesson.LoadTime };
        lock (_lock)
        {
            if (_isDisposed || (!lesson.IsFirst && Find_NeedsLock(key)?.Peak >= peak))
            {
                return;
            }

            _news[key] = Merged(_news.GetValueOrDefault(key), news)!;
            _timer ??= WriteLater();
        }
    }

    /// <summary>Writes what is not yet written, and waits a second at most for other gateways that do so too.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
        }

        SpinWait.SpinUntil(() => Write() is not Outcome.Busy, LastPatience);
    }

    private ITimer WriteLater() => time.CreateTimer(_ => WriteAndRepeat(), null, WriteDelay, Timeout.InfiniteTimeSpan);

    private void WriteAndRepeat()
    {
        var outcome = Write();
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = _isDisposed || (outcome is Outcome.Written && _news.Count == 0) ? null : WriteLater();
        }
    }

    private Outcome Write()
    {
        lock (_writing)
        {
            lock (_lock)
            {
                (_inWriting, _news) = (_news, []);
            }

            var (outcome, written) = Write(_inWriting);
            lock (_lock)
            {
                _known = written ?? _known;
                foreach (var (key, record) in written is null ? _inWriting : [])
                {
                    _news[key] = Merged(record, _news.GetValueOrDefault(key))!;
                }

                _inWriting = [];
            }

            return outcome;
        }
    }

    // With what the file holds from now on; null: it is as it was.
    private (Outcome Outcome, Dictionary<FootprintKey, FootprintRecord>? Written) Write(Dictionary<FootprintKey, FootprintRecord> news)
    {
        if (news.Count == 0)
        {
            return (Outcome.Written, null);
        }

        try
        {
            using var alone = file.TryLock();
            if (alone is null)
            {
                return (Outcome.Busy, null);
            }

            var all = ReadOrPutAside();
            foreach (var (key, record) in news)
            {
                all[key] = Merged(all.GetValueOrDefault(key), record)!;
            }

            var kept = all.OrderByDescending(entry => entry.Value.At).Take(Capacity).ToDictionary();
            file.Write(kept);
            _hasComplained = false;
            return (Outcome.Written, kept);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (!_hasComplained)
            {
                _hasComplained = true;
                Log.NotWritten(logger, exception);
            }

            return (Outcome.Failed, null);
        }
    }

    // Only a look: what is wrong with the file is put right when there is something to write, and nobody else writes.
    private Dictionary<FootprintKey, FootprintRecord> ReadOrNothing()
    {
        try
        {
            return file.Read();
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            Log.Unreadable(logger, exception);
            return [];
        }
    }

    private Dictionary<FootprintKey, FootprintRecord> ReadOrPutAside()
    {
        try
        {
            return file.Read();
        }
        catch (InvalidDataException)
        {
            Log.PutAside(logger, file.PutAside());
            return [];
        }
    }

    private FootprintRecord? Find_NeedsLock(FootprintKey key) =>
        Merged(Merged(_known?.GetValueOrDefault(key), _inWriting.GetValueOrDefault(key)), _news.GetValueOrDefault(key));

    private FootprintKey KeyOf(ModelSpec model, LaunchShape shape) => FootprintKey.Of(model, shape, versions?.VersionOf(model.Runner));

    private static FootprintRecord? Merged(FootprintRecord? older, FootprintRecord? newer) => (older, newer) switch
    {
        (null, _) => newer,
        (_, null) => older,
        _ => new FootprintRecord(newer.Loaded, ByteSize.Max(older.Peak, newer.Peak), newer.At > older.At ? newer.At : older.At, older.Launches + newer.Launches) { LoadTime = newer.LoadTime ?? older.LoadTime },
    };

    private static partial class Log
    {
        [LoggerMessage(1510, LogLevel.Warning, "The file of what models were seen to take was not understood and begins anew; the old one is now {Path}.")]
        public static partial void PutAside(ILogger logger, string path);

        [LoggerMessage(1511, LogLevel.Warning, "What models were seen to take could not be read, so estimates alone count.")]
        public static partial void Unreadable(ILogger logger, Exception exception);

        [LoggerMessage(1512, LogLevel.Warning, "What models were seen to take could not be written; it is tried again.")]
        public static partial void NotWritten(ILogger logger, Exception exception);
    }
}
