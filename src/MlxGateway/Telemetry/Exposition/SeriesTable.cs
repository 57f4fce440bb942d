using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace MlxGateway.Telemetry.Exposition;

/// <summary>All series of one instrument. Bounded: what is too many is counted together, without its tags.</summary>
internal sealed class SeriesTable
{
    private const int Most = 5_000;

    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], Series> _series;
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], Series>.AlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>> _lookup;
    private readonly bool _isState;
    private int _count;

    public SeriesTable(Instrument instrument)
    {
        Bounds = (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries?.ToArray()
            ?? (instrument as Histogram<long>)?.Advice?.HistogramBucketBoundaries?.Select(static b => (double)b).ToArray()
            ?? [];
        _isState = instrument.IsObservable;
        _series = new(new TagComparer());
        _lookup = _series.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();
    }

    /// <summary>The bounds of the buckets; none where it is no histogram.</summary>
    public double[] Bounds { get; }

    /// <summary>Those of this moment.</summary>
    public IEnumerable<Series> All => _series.Values;

    /// <summary>Takes in a measurement.</summary>
    public void Note(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = _lookup.TryGetValue(tags, out var known) ? known : Add(tags);
        if (_isState)
        {
            series.Set(value);
        }
        else
        {
            series.Add(value);
        }
    }

    /// <summary>Forgets how things stood, before it is asked anew: what is gone is not told again.</summary>
    public void Forget()
    {
        if (_isState)
        {
            _series.Clear();
            _count = 0;
        }
    }

    private Series Add(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var kept = _count < Most ? tags.ToArray() : [];
        var added = new Series(kept, Bounds);
        var series = _series.GetOrAdd(kept, added);
        if (ReferenceEquals(series, added))
        {
            Interlocked.Increment(ref _count);
        }

        return series;
    }
}
