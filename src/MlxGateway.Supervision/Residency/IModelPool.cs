using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>Where the HTTP side obtains a ready runner. Everything about who is in memory happens behind it.</summary>
public interface IModelPool
{
    /// <summary>A lease for a person on the spot, if the model is ready and there is nothing to decide; otherwise null, and <see cref="AcquireAsync"/> decides.</summary>
    ModelLease? TryAcquire(ModelSpec model);

    /// <summary>Waits until the model is ready, swapping models if it must.</summary>
    /// <param name="model">The model, as the catalog has it.</param>
    /// <param name="terms">On what terms.</param>
    /// <param name="cancellationToken">The caller leaves.</param>
    /// <exception cref="LeaseRefusedException">The model cannot be served now; the exception says why, with numbers.</exception>
    /// <exception cref="OperationCanceledException">The caller left. A load that it caused goes on.</exception>
    Task<ModelLease> AcquireAsync(ModelSpec model, LeaseTerms terms, CancellationToken cancellationToken);

    /// <summary>Lets the model finish what it is doing, stops it, and completes when its process is gone and <see cref="Snapshot"/> says so. Completes at once if it is not in memory.</summary>
    Task UnloadAsync(string modelId, CancellationToken cancellationToken);

    /// <summary>The state of every model that is, or was lately, in memory. Published whole after every change; reading it costs nothing.</summary>
    PoolSnapshot Snapshot { get; }

    /// <summary>Completes when <see cref="Snapshot"/> has another version than this one. Costs the pool nothing while nobody waits.</summary>
    Task ChangedAsync(long version, CancellationToken cancellationToken);

    /// <summary>Puts other settings in force. A configured model that is not in the catalog any more, or is launched in another way, leaves when its requests are over; everything else stays.</summary>
    void Reconfigure(ResidencyOptions options, CatalogSnapshot catalog);

    /// <summary>Why everything is as it is: who is in memory, who waits for what, what will happen next, and what was decided lately.</summary>
    Task<PoolExplanation> ExplainAsync(CancellationToken cancellationToken);

    /// <summary>Refuses new requests from now on, and completes when the running ones are over or <paramref name="patience"/> has passed, every runner is stopped, or kept for the next gateway if that is configured, and nothing is left.</summary>
    Task ShutDownAsync(TimeSpan patience);
}

/// <summary>Why a lease was refused. The HTTP side maps each value to one status and code.</summary>
public enum RefusalReason
{
    /// <summary>More requests wait than <c>QueueLimit</c> allows.</summary>
    QueueFull,

    /// <summary>It can never fit on this machine.</summary>
    InsufficientMemory,

    /// <summary>It would fit, but other programs hold the memory.</summary>
    InsufficientMemoryNow,

    /// <summary>Its launch failed, or it failed lately and is left alone for a while.</summary>
    LaunchFailed,

    /// <summary>The gateway is shutting down.</summary>
    ShuttingDown,

    /// <summary>It is background work, and people had the machine for longer than it may wait, or its place in a full queue is a person's now.</summary>
    Yielded,
}

/// <summary>The numbers of a memory refusal.</summary>
/// <param name="Required">What the model needs.</param>
/// <param name="Budget">The most that all models together may ever use.</param>
/// <param name="Available">What is free for it now, without evicting anything.</param>
/// <param name="Evictable">What evicting everything that may leave would add.</param>
public sealed record MemoryShortage(ByteSize Required, ByteSize Budget, ByteSize Available, ByteSize Evictable);

/// <summary>The pool will not serve this model now. The message is a sentence for a person, with numbers.</summary>
public sealed class LeaseRefusedException(string message, RefusalReason reason, TimeSpan? retryAfter = null, MemoryShortage? shortage = null)
    : Exception(message)
{
    /// <summary>Why.</summary>
    public RefusalReason Reason { get; } = reason;

    /// <summary>When it may be worth asking again; null: never.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>The numbers, for the two memory reasons.</summary>
    public MemoryShortage? Shortage { get; } = shortage;
}

/// <summary>Where a model stands on its way into, and out of, memory.</summary>
public enum ResidentState
{
    /// <summary>No process and no memory.</summary>
    Absent,

    /// <summary>The process is starting. Its memory is already counted; requests wait.</summary>
    Launching,

    /// <summary>Serving. The only state that grants leases.</summary>
    Ready,

    /// <summary>Chosen to leave. Existing leases finish; no new ones are granted.</summary>
    Draining,

    /// <summary>The process is being stopped. Its memory is counted until it is gone.</summary>
    Stopping,

    /// <summary>A launch failed or the process died. Refused until the cooldown ends.</summary>
    Cooling,
}

/// <summary>The state of the pool at one moment.</summary>
/// <param name="Models">Every model that is not absent, and every absent one that somebody waits for, ordered by id.</param>
/// <param name="Memory">The last observation of memory.</param>
/// <param name="Planned">The sum of what the resident models are counted with.</param>
/// <param name="IsShuttingDown">Whether new requests are refused.</param>
public sealed record PoolSnapshot(IReadOnlyList<ResidentSnapshot> Models, Memory.MemoryObservation Memory, ByteSize Planned, bool IsShuttingDown)
{
    /// <summary>Grows with whatever else than a number of leases may have changed.</summary>
    public long Version { get; init; }

    /// <summary>How many models may be in memory at once, pinned ones not counted; 0: as many as fit.</summary>
    public int MaxResident { get; init; }
}

/// <summary>One model's place in a <see cref="PoolSnapshot"/>.</summary>
/// <param name="Id">The model.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Runner">The kind that serves it.</param>
/// <param name="Pid">Its process; null where there is none yet or any more.</param>
/// <param name="Port">Its port; null where there is none.</param>
/// <param name="Leases">How many requests are with it.</param>
/// <param name="Waiting">How many requests wait for it.</param>
/// <param name="Since">When it entered this state.</param>
/// <param name="Planned">The memory it is counted with.</param>
public sealed record ResidentSnapshot(string Id, ResidentState State, string Runner, int? Pid, int? Port, int Leases, int Waiting, DateTimeOffset Since, ByteSize Planned)
{
    /// <summary>How it was launched, and what it takes so; null where it holds no memory.</summary>
    public Memory.MemoryNeed? Need { get; init; }

    /// <summary>The model, as it is launched; null where a caller made this up.</summary>
    public ModelSpec? Spec { get; init; }

    /// <summary>How long its last launch took; null: it was never ready.</summary>
    public TimeSpan? LoadTime { get; init; }

    /// <summary>How it failed, while it is left alone because of that; otherwise null.</summary>
    public string? Failure { get; init; }
}
