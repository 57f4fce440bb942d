using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>Reads memory for the pool, from whatever thread asks and never from the pool's loop, and reports what it read.</summary>
internal sealed partial class MemoryWatch(IMemoryGauge gauge, TimeProvider time, TaskFactory tasks, ILogger logger, Action<ResidencyEvent> post, ISpareRunners? spares = null)
{
    // A burst of requests for an absent model needs one reading, not one for each.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<int, byte> _pids = new();
    private long _lastRead = long.MinValue;
    private int _reading;
    private long _explainedKills;
    private int _loading;
    private int _loads;

    /// <summary>The processes whose memory is the models' own.</summary>
    public void Count(int pid) => _pids.TryAdd(pid, 0);

    public void Forget(int pid) => _pids.TryRemove(pid, out _);

    /// <summary>How many processes the system has killed for memory so far; null: it does not count them.</summary>
    public long? Kills() => gauge.MemoryKills();

    /// <summary>Whether a process that was killed was killed for memory: the system has done so more often than <paramref name="before"/>, and than is explained by the deaths that were asked about.</summary>
    public bool ExplainsKill(long? before)
    {
        while (before is { } start && gauge.MemoryKills() is { } kills)
        {
            var explained = Volatile.Read(ref _explainedKills);
            var from = Math.Max(start, explained);
            if (kills <= from)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _explainedKills, from + 1, explained) == explained)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Reads, unless somebody did so a moment ago.</summary>
    public void ReadIfOld()
    {
        var last = Volatile.Read(ref _lastRead);
        var now = time.GetTimestamp();
        if ((last == long.MinValue || time.GetElapsedTime(last, now) >= Interval) && Interlocked.CompareExchange(ref _lastRead, now, last) == last)
        {
            Read();
        }
    }

    /// <summary>Reads beside the pool's loop, unless such a reading is under way.</summary>
    public void ReadInBackground()
    {
        if (Interlocked.Exchange(ref _reading, 1) == 0)
        {
            _ = tasks.StartNew(() =>
            {
                try
                {
                    Read();
                }
                finally
                {
                    Volatile.Write(ref _reading, 0);
                }
            });
        }
    }

    /// <summary>Reads and reports. A failure is logged; the ledger asks again, and refuses when it has had no reading for too long.</summary>
    public void Read()
    {
        try
        {
            int[] own = spares?.Pid is { } spare && !_pids.ContainsKey(spare) ? [.. _pids.Keys, spare] : [.. _pids.Keys];
            var observation = gauge.Observe(own);
            Volatile.Write(ref _lastRead, time.GetTimestamp());
            post(new ResidencyEvent.MemoryObserved(observation) { Own = own });
        }
        catch (Exception exception)
        {
            Log.Unreadable(logger, exception);
        }
    }

    /// <summary>A model is being loaded from now on.</summary>
    public void LoadBegins()
    {
        Interlocked.Increment(ref _loading);
        Interlocked.Increment(ref _loads);
    }

    /// <summary>A model has been loaded, or will not be.</summary>
    public void LoadIsOver() => Interlocked.Decrement(ref _loading);

    /// <summary>Says from now on whether a model is, or was, being loaded since.</summary>
    public Func<bool> WatchLoads()
    {
        var (loads, wasLoading) = (Volatile.Read(ref _loads), Volatile.Read(ref _loading) > 0);
        return () => wasLoading || Volatile.Read(ref _loads) != loads;
    }

    /// <summary>To be called before a runner is stopped, to wait for its memory afterwards.</summary>
    /// <param name="runner">The runner; null: what it takes was never seen.</param>
    /// <param name="isHidden">Whether what comes back cannot be seen.</param>
    public MemoryReturn Expect(LiveFootprint? runner, Func<bool> isHidden) =>
        // Of one that has died the memory may be back already.
        runner is { IsAlive: true } ? new MemoryReturn(Available, time, runner.Private, Available(), isHidden) : new MemoryReturn(Available, time, ByteSize.Zero, null, isHidden);

    private ByteSize? Available()
    {
        try
        {
            return gauge.Available();
        }
        catch (Exception exception)
        {
            Log.Unreadable(logger, exception);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3020, LogLevel.Error, "The machine's memory could not be read.")]
        public static partial void Unreadable(ILogger logger, Exception exception);
    }
}
