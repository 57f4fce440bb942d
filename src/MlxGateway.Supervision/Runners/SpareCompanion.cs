using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>
/// Keeps one process ready for the next launch of the kind that was launched last: from a moment after that launch on, while memory is free and nothing
/// else launches, until nobody has launched such a model for a while.
/// </summary>
/// <remarks>
/// <code>
///  nothing ─a launch that one could have taken─► wished for ─quiet for 3 s, memory enough─► waits ─taken─► a runner
///     ▲                                            │  ▲                                      │ │
///     └──────────── 10 min, or it died ────────────┘  └──────────── memory short ────────────┘ └─ 10 min, or it died ─► nothing
/// </code>
/// </remarks>
internal sealed partial class SpareCompanion(IChildProcesses processes, TimeProvider time, ILogger<SpareCompanion> logger) : ISpareRunners, IAsyncDisposable, IDisposable
{
    /// <summary>How long after a launch one is started: its first request is to have the machine for itself.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    /// <summary>How long one waits for the next launch.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    /// <summary>How long memory must be short before one is given up: a launch that made it so may be about to take the one that waits.</summary>
    public static readonly TimeSpan Breath = TimeSpan.FromSeconds(1);

    // A process takes about 70 MB. Two figures, so that what is free may vary a little without one coming and going.
    private static readonly ByteSize Enough = new(300L << 20);
    private static readonly ByteSize Least = new(150L << 20);

    private readonly Lock _lock = new();
    private SpareProcess? _spare;
    private LaunchPlan? _wish;
    private int _launching;
    private long _wished;
    private long _ended;
    private long _short;
    private bool _mayStart;
    private bool _mayStay;
    private bool _isStarting;
    private bool _isDisposed;
    private ITimer? _timer;

    /// <inheritdoc/>
    public int? Pid
    {
        get
        {
            lock (_lock)
            {
                // The number of one that is gone may be another's.
                return _spare is { IsGone: false } spare ? spare.Child.Pid : null;
            }
        }
    }

    /// <inheritdoc/>
    public void Allow(ByteSize free)
    {
        var (mayStart, mayStay) = (free >= Enough, free >= Least);
        lock (_lock)
        {
            if ((mayStart, mayStay) != (_mayStart, _mayStay))
            {
                _short = _mayStay && !mayStay ? time.GetTimestamp() : _short;
                (_mayStart, _mayStay) = (mayStart, mayStay);
                Arm_NeedsLock();
            }
        }
    }

    /// <summary>Something launches: nothing is started beside it.</summary>
    public void LaunchBegins()
    {
        lock (_lock)
        {
            _launching++;
        }
    }

    /// <summary>A launch is over.</summary>
    /// <param name="ready">How it was launched, if it became ready.</param>
    public void LaunchEnded(LaunchPlan? ready)
    {
        lock (_lock)
        {
            _launching--;
            _ended = time.GetTimestamp();
            if (ready?.Spare is not null)
            {
                (_wish, _wished) = (ready, _ended);
            }

            Arm_NeedsLock();
        }
    }

    /// <summary>The process that waits, which is told to carry out the plan; null: none can, and one that is outdated is thrown away.</summary>
    public ChildProcess? Take(LaunchPlan plan)
    {
        SpareProcess? spare;
        lock (_lock)
        {
            if (plan.Spare is null || _spare is null)
            {
                return null;
            }

            (spare, _spare) = (_spare, null);
        }

        if (spare.TryTell(plan))
        {
            return spare.Child;
        }

        Log.ThrownAway(logger, spare.Child.Pid);
        _ = spare.DisposeAsync().AsTask();
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        SpareProcess? spare;
        lock (_lock)
        {
            _isDisposed = true;
            _timer?.Dispose();
            (spare, _spare) = (_spare, null);
        }

        if (spare is not null)
        {
            await spare.DisposeAsync();
        }
    }

    /// <summary>For a container that is not disposed asynchronously.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private void Look()
    {
        SpareProcess? leaving = null;
        LaunchPlan? start = null;
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            // One that died by itself would die again; the next launch shows whether the engine still works.
            if (_spare is { IsGone: true } || IsOver(_wished, Longest))
            {
                (leaving, _spare, _wish) = (_spare, null, null);
            }
            else if (!_mayStay && IsOver(_short, Breath))
            {
                (leaving, _spare) = (_spare, null);
            }
            else if (CanStart_NeedsLock() && IsOver(_ended, Quiet))
            {
                (start, _isStarting) = (_wish, true);
            }

            Arm_NeedsLock();
        }

        if (leaving is not null)
        {
            Log.GivenUp(logger, leaving.Child.Pid);
            _ = leaving.DisposeAsync().AsTask();
        }

        if (start is not null)
        {
            Start(start);
        }
    }

    // Without the lock, since the pool's loop may want it meanwhile.
    private void Start(LaunchPlan plan)
    {
        SpareProcess? spare = null;
        try
        {
            spare = SpareProcess.Start(processes, plan, plan.Spare!);
            Log.Waits(logger, spare.Child.Pid);
        }
        catch (Exception failed) when (failed is ChildStartException or IOException or ObjectDisposedException)
        {
            Log.NotStarted(logger, failed.Message);
        }

        lock (_lock)
        {
            _isStarting = false;
            _wish = spare is null ? null : _wish;
            if (!_isDisposed)
            {
                (_spare, spare) = (spare, null);
                Arm_NeedsLock();
            }
        }

        _ = spare?.DisposeAsync().AsTask();
    }

    private bool CanStart_NeedsLock() => _spare is null && _wish is not null && _launching == 0 && _mayStart && !_isStarting;

    private void Arm_NeedsLock()
    {
        if (_isDisposed || (_spare is null && _wish is null))
        {
            return;
        }

        var due = Left(_wished, Longest);
        due = _spare is not null && !_mayStay ? Min(due, Left(_short, Breath)) : due;
        due = CanStart_NeedsLock() ? Min(due, Left(_ended, Quiet)) : due;
        _timer ??= time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        // A timer that fires a fraction early would find nothing to do and fire again at once.
        _timer.Change(due + TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    private bool IsOver(long since, TimeSpan span) => time.GetElapsedTime(since) >= span;

    private TimeSpan Left(long since, TimeSpan span) => time.GetElapsedTime(since) is var passed && passed >= span ? TimeSpan.Zero : span - passed;

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static partial class Log
    {
        [LoggerMessage(2530, LogLevel.Debug, "Process {Pid} waits for the next model.")]
        public static partial void Waits(ILogger logger, int pid);

        [LoggerMessage(2531, LogLevel.Debug, "Process {Pid}, which waited for the next model, is given up.")]
        public static partial void GivenUp(ILogger logger, int pid);

        [LoggerMessage(2532, LogLevel.Information, "Process {Pid}, which waited for the next model, is gone or not what a new one would be; a new one is started.")]
        public static partial void ThrownAway(ILogger logger, int pid);

        [LoggerMessage(2533, LogLevel.Warning, "No process could be started that waits for the next model: {Why}")]
        public static partial void NotStarted(ILogger logger, string why);
    }
}
