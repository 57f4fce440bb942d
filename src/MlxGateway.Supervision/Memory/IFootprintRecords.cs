using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Keeps what models were seen to take, in memory and in time, from one run of the gateway to the next.</summary>
public interface IFootprintRecords : IObservedFootprints
{
    /// <summary>All that is kept of the model launched in this way by the engine that is here now; null: never seen.</summary>
    FootprintRecord? RecordOf(ModelSpec model, LaunchShape shape);

    /// <summary>Keeps what a launch was seen to take. Reads and writes no file before it returns, so that anybody may call it. Only a launch that has served may teach.</summary>
    void Learn(ModelSpec model, LaunchShape shape, FootprintLesson lesson);
}

/// <summary>What is kept of a model that is launched in one way by one engine.</summary>
/// <param name="Loaded">What it took last when it had just become ready.</param>
/// <param name="Peak">The most that it ever took.</param>
/// <param name="At">When it was last seen to do anything new.</param>
/// <param name="Launches">How many launches have taught this.</param>
public sealed record FootprintRecord(ByteSize Loaded, ByteSize Peak, DateTimeOffset At, int Launches)
{
    /// <summary>How long its last launch took until it was ready; null: not known.</summary>
    public TimeSpan? LoadTime { get; init; }
}

/// <summary>What one launch was seen to take so far.</summary>
/// <param name="Loaded">When it had just become ready.</param>
/// <param name="Peak">The most until now.</param>
/// <param name="IsFirst">Whether this launch teaches for the first time.</param>
public readonly record struct FootprintLesson(ByteSize Loaded, ByteSize Peak, bool IsFirst)
{
    /// <summary>How long the launch took until it was ready; null: not known.</summary>
    public TimeSpan? LoadTime { get; init; }
}
