namespace MlxGateway.Supervision.Tests;

/// <summary>A clock that stands still until it is moved. Its frequency is odd, so that whoever takes timestamps for ticks is found out.</summary>
internal sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _timers = [];
    private readonly List<(TimeSpan Within, TaskCompletionSource Seen)> _watchers = [];
    private readonly DateTimeOffset _start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private TimeSpan _passed;

    public override long TimestampFrequency => 1_193_182;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _start + _passed;
        }
    }

    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return (long)(_passed.TotalSeconds * TimestampFrequency);
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Moves the clock forward and runs what becomes due on the way, in order, each at its own time.</summary>
    public void Advance(TimeSpan by)
    {
        TimeSpan end;
        lock (_lock)
        {
            end = _passed + by;
        }

        while (true)
        {
            ManualTimer? next;
            lock (_lock)
            {
                next = _timers.Where(t => t.Due <= end).MinBy(t => t.Due);
                _passed = next is null || next.Due > end ? end : next.Due > _passed ? next.Due : _passed;
                next?.Reschedule_NeedsLock(_timers);
            }

            if (next is null)
            {
                return;
            }

            next.Fire();
        }
    }

    /// <summary>Moves the clock forward at once, as a machine does that wakes up: what was due meanwhile fires only afterwards, all at the same time.</summary>
    public void Jump(TimeSpan by)
    {
        lock (_lock)
        {
            _passed += by;
        }

        Advance(TimeSpan.Zero);
    }

    /// <summary>Completes once some timer is to fire within this time: what is tested has come to rest and waits for the clock.</summary>
    public Task TimerWithinAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_timers.Exists(t => t.Due <= _passed + within))
            {
                return Task.CompletedTask;
            }

            var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _watchers.Add((within, seen));
            return seen.Task.WaitAsync(cancellationToken);
        }
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period;

        public TimeSpan Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                clock._timers.Remove(this);
                _period = period;
                if (dueTime == Timeout.InfiniteTimeSpan)
                {
                    return true;
                }

                Due = clock._passed + dueTime;
                clock._timers.Add(this);
                foreach (var watcher in clock._watchers.FindAll(w => Due <= clock._passed + w.Within))
                {
                    clock._watchers.Remove(watcher);
                    watcher.Seen.TrySetResult();
                }
            }

            return true;
        }

        public void Reschedule_NeedsLock(List<ManualTimer> timers)
        {
            if (_period <= TimeSpan.Zero)
            {
                timers.Remove(this);
            }
            else
            {
                Due += _period;
            }
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (clock._lock)
            {
                clock._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
