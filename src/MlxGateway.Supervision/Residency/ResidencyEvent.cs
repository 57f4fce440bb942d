using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>Something that happened. Events flow in; the ledger answers with effects.</summary>
internal abstract record ResidencyEvent
{
    /// <summary>Somebody wants a ready runner.</summary>
    public sealed record LeaseRequested(LeaseTicket Ticket) : ResidencyEvent;

    /// <summary>A caller left before the ticket was settled.</summary>
    public sealed record TicketAbandoned(LeaseTicket Ticket) : ResidencyEvent;

    /// <summary>A request is over.</summary>
    public sealed record LeaseReleased(string Model, int Launch, Revocation Revocation) : ResidencyEvent;

    /// <summary>A runner has proved that it can answer.</summary>
    public sealed record LaunchSucceeded(string Model, int Launch, IRunner Runner) : ResidencyEvent;

    /// <summary>A runner that an earlier gateway kept answers, and is ours now.</summary>
    public sealed record RunnerAdopted(ModelSpec Model, MemoryNeeds Needs, MemoryNeed Need, IRunner Runner) : ResidencyEvent;

    /// <summary>A runner did not become ready, and nothing of it is left.</summary>
    public sealed record LaunchFailed(string Model, int Launch, string Why, EndCause Cause = EndCause.Itself) : ResidencyEvent;

    /// <summary>The process of a ready runner ended by itself.</summary>
    public sealed record RunnerExited(string Model, int Launch, string How, EndCause Cause = EndCause.Itself) : ResidencyEvent;

    /// <summary>A ready runner is alive, but neither works nor answers.</summary>
    public sealed record RunnerHung(string Model, int Launch, string How) : ResidencyEvent;

    /// <summary>A runner that was to be stopped is gone with everything it started, or one that was to be kept is not ours any more.</summary>
    public sealed record RunnerStopped(string Model, int Launch) : ResidencyEvent;

    /// <summary>What the machine has now.</summary>
    public sealed record MemoryObserved(MemoryObservation Memory) : ResidencyEvent
    {
        /// <summary>The processes whose memory was seen as the models' own; what others had taken looks as if other programs held it. Null: all that were ready then.</summary>
        public IReadOnlyCollection<int>? Own { get; init; }
    }

    /// <summary>What a live runner takes now, with the pages of the files that it maps.</summary>
    public sealed record FootprintObserved(string Model, int Launch, ByteSize Bytes) : ResidencyEvent;

    /// <summary>Somebody wants the model out of memory and to be told when it is.</summary>
    public sealed record UnloadRequested(string Model, TaskCompletionSource Done) : ResidencyEvent;

    /// <summary>Somebody wants to know why everything is as it is.</summary>
    public sealed record ExplanationRequested(TaskCompletionSource<PoolExplanation> Done) : ResidencyEvent;

    /// <summary>A moment named by <see cref="ResidencyLedger.NextWake"/> has come.</summary>
    public sealed record TimeElapsed : ResidencyEvent;

    /// <summary>The configuration was read again.</summary>
    public sealed record Reconfigured(ResidencyOptions Options, CatalogSnapshot Catalog) : ResidencyEvent;

    /// <summary>The gateway stops; running requests may go on for <paramref name="Patience"/>.</summary>
    public sealed record ShutdownRequested(TimeSpan Patience) : ResidencyEvent;
}

/// <summary>Why a runner ended that was not told to.</summary>
internal enum EndCause
{
    /// <summary>For a reason of its own, or for none that is known.</summary>
    Itself,

    /// <summary>The system killed it because memory had run out.</summary>
    KilledForMemory,
}
