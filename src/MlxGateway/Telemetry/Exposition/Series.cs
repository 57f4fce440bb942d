namespace MlxGateway.Telemetry.Exposition;

/// <summary>The measurements of one instrument that have the same tags. Written by many threads at once, without a lock.</summary>
internal sealed class Series(KeyValuePair<string, object?>[] tags, double[] bounds)
{
    // One more than there are bounds: the last is for what is beyond all of them.
    private readonly long[] _buckets = new long[bounds.Length + 1];
    private double _sum;

    /// <summary>The tags.</summary>
    public IReadOnlyList<KeyValuePair<string, object?>> Tags => tags;

    /// <summary>The sum of what was measured.</summary>
    public double Sum => Volatile.Read(ref _sum);

    /// <summary>How many measurements were at or below each bound and above the one before, and how many beyond the last.</summary>
    public long[] Buckets()
    {
        var copy = new long[_buckets.Length];
        for (var i = 0; i < copy.Length; i++)
        {
            copy[i] = Volatile.Read(ref _buckets[i]);
        }

        return copy;
    }

    /// <summary>Takes in a measurement.</summary>
    public void Add(double value)
    {
        var bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _buckets[bucket]);
        var seen = Volatile.Read(ref _sum);
        while (true)
        {
            var before = Interlocked.CompareExchange(ref _sum, seen + value, seen);
            if (before.Equals(seen))
            {
                return;
            }

            seen = before;
        }
    }

    /// <summary>Replaces what was measured, where a measurement says how things stand.</summary>
    public void Set(double value) => Volatile.Write(ref _sum, value);

    /// <summary>The value of a tag as text; empty: it is not there.</summary>
    public string TextOf(string tag)
    {
        foreach (var (key, value) in tags)
        {
            if (key == tag)
            {
                return Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "";
            }
        }

        return "";
    }
}
