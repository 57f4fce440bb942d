namespace MlxGateway.Simulation;

/// <summary>A clock that jumps from one event to the next. Events of the same moment come in the order in which they were planned.</summary>
internal sealed class VirtualTime(TimeSpan grain) : TimeProvider
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly PriorityQueue<Action, (long Due, long Order)> _planned = new();
    private long _order;

    /// <summary>How much has passed since the world began.</summary>
    public TimeSpan Now { get; private set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public bool HasPlans => _planned.Count > 0;

    /// <summary>Whether something is planned for this very moment.</summary>
    public bool IsDueNow => _planned.TryPeek(out _, out var next) && next.Due <= Now.Ticks;

    public override DateTimeOffset GetUtcNow() => Start + Now;

    public override long GetTimestamp() => Now.Ticks;

    /// <summary>Plans something. Where time is grainy it falls on the next grain, so that much happens in one moment; never in the present one.</summary>
    public void In(TimeSpan delay, Action action)
    {
        var due = Now.Ticks + Math.Max(1, delay.Ticks);
        PlanAt((due + grain.Ticks - 1) / grain.Ticks * grain.Ticks, action);
    }

    /// <summary>Moves on to the next event and returns it.</summary>
    public Action Next()
    {
        _planned.TryDequeue(out var action, out var at);
        Now = TimeSpan.FromTicks(Math.Max(Now.Ticks, at.Due));
        return action!;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private void PlanAt(long due, Action action) => _planned.Enqueue(action, (due, _order++));

    private sealed class VirtualTimer(VirtualTime time, TimerCallback callback, object? state) : ITimer
    {
        private int _setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var setting = ++_setting;
            Plan(dueTime, period, setting);
            return true;
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Plan(TimeSpan due, TimeSpan period, int setting)
        {
            if (due != Timeout.InfiniteTimeSpan)
            {
                time.PlanAt(time.Now.Ticks + due.Ticks, () => Fire(period, setting));
            }
        }

        private void Fire(TimeSpan period, int setting)
        {
            if (setting != _setting)
            {
                return;
            }

            Plan(period > TimeSpan.Zero ? period : Timeout.InfiniteTimeSpan, period, setting);
            callback(state);
        }
    }
}
