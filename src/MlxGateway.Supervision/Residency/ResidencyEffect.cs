using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>Something to do. Effects flow out; only <see cref="ModelPool"/> carries them out, in order.</summary>
internal abstract record ResidencyEffect
{
    /// <summary>Launch the model; the outcome comes back with the same number.</summary>
    public sealed record StartRunner(ModelSpec Model, LaunchShape Shape, int Launch) : ResidencyEffect;

    /// <summary>Stop the runner, or cancel its launch, and report when it is gone. What it was seen to take is worth keeping if it has served.</summary>
    public sealed record StopRunner(string Model, int Launch, bool HasServed) : ResidencyEffect;

    /// <summary>Let the runner live on for the next gateway, or stop it if that cannot be, and report when it is done.</summary>
    public sealed record DetachRunner(string Model, int Launch, bool HasServed) : ResidencyEffect;

    /// <summary>Watch over an adopted runner as over one that was launched.</summary>
    public sealed record WatchRunner(ModelSpec Model, LaunchShape Shape, int Launch, IRunner Runner) : ResidencyEffect;

    /// <summary>Stop an adopted runner that there is no place for. Nobody waits for it.</summary>
    public sealed record DismissRunner(string Model, IRunner Runner) : ResidencyEffect;

    /// <summary>Keep what the runner was seen to take so far: it has served.</summary>
    public sealed record LearnFootprint(string Model, int Launch) : ResidencyEffect;

    /// <summary>Take back all leases of one launch. The detail is for their holders: how the runner ended, where it did.</summary>
    public sealed record RevokeLeases(string Model, int Launch, Revocation Revocation, RevocationReason Reason, string? Detail = null) : ResidencyEffect;

    /// <summary>Hand a lease over; if the caller is gone, it comes straight back.</summary>
    public sealed record GrantLease(LeaseTicket Ticket, Granted Lease) : ResidencyEffect;

    /// <summary>Tell the caller that, and why, there will be no lease.</summary>
    public sealed record RefuseLease(LeaseTicket Ticket, Refusal Refusal) : ResidencyEffect;

    /// <summary>Read the files of a model that will be launched soon, so that the launch finds them in memory.</summary>
    public sealed record BeginReadAhead(ModelSpec Model, ByteSize Limit) : ResidencyEffect;

    /// <summary>Stop reading its files: it is launched, or not wanted any more.</summary>
    public sealed record EndReadAhead(string Model) : ResidencyEffect;

    /// <summary>Read the machine's memory and report it.</summary>
    public sealed record ObserveMemory : ResidencyEffect;

    /// <summary>Tell somebody that the model is out of memory.</summary>
    public sealed record CompleteUnload(TaskCompletionSource Done) : ResidencyEffect;

    /// <summary>Tell somebody why everything is as it is.</summary>
    public sealed record CompleteExplanation(TaskCompletionSource<PoolExplanation> Done, PoolExplanation Explanation) : ResidencyEffect;

    /// <summary>Tell that nothing is left.</summary>
    public sealed record CompleteShutdown : ResidencyEffect;
}

/// <summary>What a lease is made of.</summary>
internal readonly record struct Granted(ModelSpec Model, int Launch, IRunner Runner, Revocation Revocation, TimeSpan Queued, TimeSpan Loading);
