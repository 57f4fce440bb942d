namespace MlxGateway.Inference.Tracing;

/// <summary>
/// How many traces are begun here: so many a second, and after a quiet time as many more as ten seconds would have had. Those that clients began do not count, they are always followed. Spans of a request cost
/// as much as a tenth of all that it costs where its answer costs nothing, and nobody reads thousands of traces a second; who asks seldom has every one.
/// </summary>
/// <remarks>Without a lock: the time at which the next trace would be due if they came evenly is all that is kept (the generic cell rate algorithm of ITU-T I.371).</remarks>
internal sealed class TracePace
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time;
    private readonly long _apart;
    private readonly long _quiet;
    private long _due = long.MinValue;

    /// <summary>Makes one.</summary>
    /// <param name="perSecond">How many may begin in a second, on the average; 0: every one.</param>
    /// <param name="time">The clock.</param>
    public TracePace(int perSecond, TimeProvider time)
    {
        _time = time;
        _apart = perSecond == 0 ? 0 : time.TimestampFrequency / perSecond;
        _quiet = (long)(Quiet.TotalSeconds * time.TimestampFrequency);
    }

    /// <summary>Takes the right to begin a trace. False: enough were begun.</summary>
    public bool Take()
    {
        if (_apart == 0)
        {
            return true;
        }

        var now = _time.GetTimestamp();
        var seen = Volatile.Read(ref _due);
        while (true)
        {
            var next = Math.Max(seen, now - _quiet) + _apart;
            if (next > now)
            {
                return false;
            }

            var before = Interlocked.CompareExchange(ref _due, next, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }
    }
}
