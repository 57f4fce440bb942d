using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Telemetry;

/// <summary>What the machine has and what the runners take, read when somebody looks, and once a second at most: a reading walks over all processes.</summary>
internal sealed partial class ObservedMemory(IMemoryGauge gauge, TimeProvider time, ILogger<ObservedMemory> logger)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private Reading? _last;
    private long _readAt;

    /// <summary>The newest reading.</summary>
    /// <param name="pool">Whose runners are meant.</param>
    public Reading Now(PoolSnapshot pool)
    {
        lock (_lock)
        {
            if (_last is null || time.GetElapsedTime(_readAt) >= Lifetime)
            {
                _last = Read(pool);
                _readAt = time.GetTimestamp();
            }

            return _last;
        }
    }

    private Reading Read(PoolSnapshot pool)
    {
        try
        {
            int[] pids = [.. pool.Models.Select(static m => m.Pid).OfType<int>()];
            return new Reading(gauge.Observe(pids), gauge.FootprintsOf(pids).ToDictionary(static f => f.Key, static f => f.Value.Taken));
        }
        catch (Exception exception)
        {
            // A figure that is not known is left out; what measures must not break what it measures.
            Log.Unreadable(logger, exception);
            return new Reading(null, new Dictionary<int, ByteSize>());
        }
    }

    /// <summary>One reading.</summary>
    /// <param name="Machine">What models may use; null: it could not be read.</param>
    /// <param name="Taken">What each runner takes, by its process.</param>
    public sealed record Reading(MemoryObservation? Machine, IReadOnlyDictionary<int, ByteSize> Taken);

    private static partial class Log
    {
        [LoggerMessage(5010, LogLevel.Warning, "The machine's memory could not be read for the measurements.")]
        public static partial void Unreadable(ILogger logger, Exception exception);
    }
}
