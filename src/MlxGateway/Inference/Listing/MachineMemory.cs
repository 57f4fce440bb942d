using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Listing;

/// <summary>What models may use now, read once a second at most, and only while somebody looks; true to 32 MB.</summary>
internal sealed partial class MachineMemory(IMemoryGauge gauge, TimeProvider time, ILogger<MachineMemory> logger)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    // A reading takes a fraction of a millisecond, or some milliseconds where runners map tens of gigabytes. Where it takes longer, whoever polls is better
    // served with the last number now than with a newer one late; whoever comes after a silence waits longer, and the first has nothing to fall back on.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PatienceAfterSilence = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan FirstPatience = TimeSpan.FromSeconds(1);

    // What other programs take and give back from second to second; it changes no judgement that is worth a new list.
    private static readonly ByteSize Ripple = ByteSize.FromMegabytes(32);

    private readonly Lock _lock = new();
    private Reading? _last;
    private Task? _reading;

    /// <summary>The newest reading; null: there was none that could be read.</summary>
    /// <param name="pool">Whose runners' memory counts as the models' own.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<MemoryObservation?> NowAsync(PoolSnapshot pool, CancellationToken cancellationToken)
    {
        var last = Volatile.Read(ref _last);
        var age = last is null ? TimeSpan.MaxValue : time.GetElapsedTime(last.At);
        if (age < Lifetime)
        {
            return last!.Memory;
        }

        try
        {
            await Begin(pool).WaitAsync(last is null ? FirstPatience : age < Silence ? Patience : PatienceAfterSilence, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // It goes on, for the next who looks.
        }

        return Volatile.Read(ref _last)?.Memory;
    }

    private Task Begin(PoolSnapshot pool)
    {
        lock (_lock)
        {
            return _reading is { IsCompleted: false } reading ? reading : _reading = Task.Run(() => Read(pool));
        }
    }

    private void Read(PoolSnapshot pool)
    {
        MemoryObservation? memory = null;
        try
        {
            memory = gauge.Observe([.. pool.Models.Select(m => m.Pid).OfType<int>()]);
            memory = _last?.Memory is { } last && IsRipple(last, memory.Value) ? last : memory;
        }
        catch (Exception exception)
        {
            Log.Unreadable(logger, exception);
        }

        Volatile.Write(ref _last, new Reading(memory, time.GetTimestamp()));
    }

    private static bool IsRipple(MemoryObservation last, MemoryObservation now) =>
        last.Ceiling == now.Ceiling && ByteSize.Max(last.Usable, now.Usable) - ByteSize.Min(last.Usable, now.Usable) < Ripple;

    private sealed record Reading(MemoryObservation? Memory, long At);

    private static partial class Log
    {
        [LoggerMessage(4010, LogLevel.Warning, "The machine's memory could not be read for the list of models.")]
        public static partial void Unreadable(ILogger logger, Exception exception);
    }
}
