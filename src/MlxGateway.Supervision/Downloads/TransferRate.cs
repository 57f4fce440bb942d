namespace MlxGateway.Supervision.Downloads;

/// <summary>How fast something comes, over the last seconds. Pure: it is told the time.</summary>
internal sealed class TransferRate
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private readonly Queue<(TimeSpan At, long Done)> _seen = [];
    private (TimeSpan At, long Done) _last;

    /// <summary>Notes how much there is. Less than before: something was thrown away, and counting begins anew.</summary>
    public void Note(TimeSpan at, long done)
    {
        if (done < _last.Done || at < _last.At)
        {
            _seen.Clear();
        }

        _last = (at, done);
        _seen.Enqueue(_last);
        while (_seen.Count > 2 && at - _seen.Peek().At > Window)
        {
            _seen.Dequeue();
        }
    }

    /// <summary>Bytes in a second; null: too little was seen.</summary>
    public double? BytesPerSecond => _seen.Count < 2 || _last.At - _seen.Peek().At is not { Ticks: > 0 } time ? null : (_last.Done - _seen.Peek().Done) / time.TotalSeconds;

    /// <summary>How long the rest takes at that speed; null: not known, or it does not come at all.</summary>
    public TimeSpan? RemainingOf(long total) => BytesPerSecond is > 0 and { } speed && (total - _last.Done) / speed is var seconds and < 1e9 ? TimeSpan.FromSeconds(Math.Max(0, seconds)) : null;
}
