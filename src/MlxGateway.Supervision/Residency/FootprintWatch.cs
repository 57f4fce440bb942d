using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Memory;

namespace MlxGateway.Supervision.Residency;

/// <summary>Looks at what the live runners take, every few seconds and all at once, on a thread that serves nobody, and reports it to the pool.</summary>
internal sealed partial class FootprintWatch(IMemoryGauge gauge, TimeProvider time, ILogger logger, Action<ResidencyEvent> post)
{
    /// <summary>How often the live runners are looked at. What comes and goes in between is in the kernel's high-water marks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<LiveFootprint, byte> _live = new();
    private readonly Lock _lock = new();
    private ITimer? _timer;
    private int _looking;

    /// <summary>Looks at a runner that has just become ready, and from now on every <see cref="Interval"/>. Takes as long as a look.</summary>
    public void Begin(LiveFootprint runner)
    {
        lock (_lock)
        {
            _live.TryAdd(runner, 0);
            _timer ??= time.CreateTimer(_ => LookAtAll(), null, Interval, Interval);
        }

        LookAt([runner]);
    }

    /// <summary>Looks at a runner for the last time: it is about to be stopped. Does nothing if it is not looked at any more. Takes as long as a look.</summary>
    public void End(LiveFootprint runner)
    {
        lock (_lock)
        {
            if (!_live.TryRemove(runner, out _))
            {
                return;
            }

            if (_live.IsEmpty)
            {
                _timer?.Dispose();
                _timer = null;
            }
        }

        LookAt([runner]);
    }

    private void LookAtAll()
    {
        // A machine that swaps may take longer to answer than the interval.
        if (Interlocked.Exchange(ref _looking, 1) == 0)
        {
            try
            {
                LookAt([.. _live.Keys]);
            }
            finally
            {
                Volatile.Write(ref _looking, 0);
            }
        }
    }

    private void LookAt(IReadOnlyList<LiveFootprint> runners)
    {
        try
        {
            var readings = gauge.FootprintsOf([.. runners.Where(r => r.IsAlive).Select(r => r.Pid)]);
            foreach (var runner in runners)
            {
                // Asked again: what was read of one that has ended meanwhile may be another process's.
                if (readings.TryGetValue(runner.Pid, out var reading) && runner.IsAlive)
                {
                    runner.See(reading);
                    post(new ResidencyEvent.FootprintObserved(runner.Model, runner.Launch, reading.Taken));
                }
            }
        }
        catch (Exception exception)
        {
            Log.Unreadable(logger, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3021, LogLevel.Warning, "What the runners take could not be read.")]
        public static partial void Unreadable(ILogger logger, Exception exception);
    }
}
