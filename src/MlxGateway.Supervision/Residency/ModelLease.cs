using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>Why a lease was taken back before its holder was done.</summary>
public enum RevocationReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>The model had to leave and the time to finish was over.</summary>
    Evicted,

    /// <summary>The runner's process ended, or hangs and is ended.</summary>
    RunnerGone,

    /// <summary>The gateway is shutting down.</summary>
    ShuttingDown,

    /// <summary>It was background work in a person's way.</summary>
    Yielded,
}

/// <summary>A ready runner that stays ready until this lease is disposed.</summary>
public sealed class ModelLease : IDisposable
{
    private Action<ModelLease>? _release;

    internal ModelLease(ModelSpec model, int launch, IRunner runner, Revocation revocation, TimeSpan queued, TimeSpan loading, Action<ModelLease> release)
    {
        Model = model;
        Launch = launch;
        Runner = runner;
        Revocation = revocation;
        Queued = queued;
        Loading = loading;
        _release = release;
    }

    /// <summary>The model.</summary>
    public ModelSpec Model { get; }

    /// <summary>Which launch of the model this is.</summary>
    public int Launch { get; }

    /// <summary>The runner to send the request to.</summary>
    public IRunner Runner { get; }

    /// <summary>Tells when the lease is taken back; whatever is being forwarded must then be aborted.</summary>
    public Revocation Revocation { get; }

    /// <summary>How long the request waited for its turn, the load not counted.</summary>
    public TimeSpan Queued { get; }

    /// <summary>How much of the wait was the model's load.</summary>
    public TimeSpan Loading { get; }

    /// <summary>The load that the request waited for; null: it waited for none.</summary>
    public ModelLoad? Load { get; init; }

    /// <summary>Gives the lease back. Only the first call counts.</summary>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke(this);
}

/// <summary>A load that is over and went well.</summary>
/// <param name="ReadyAt">When the model was ready.</param>
/// <param name="Span">Its span; the default where nobody traces.</param>
public sealed record ModelLoad(DateTimeOffset ReadyAt, ActivityContext Span);

/// <summary>The end of leases, with its reason. Shared by all leases of one launch, but for background requests: each of those has one of its own.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A cancellation source without a timer holds nothing that must be freed, and leases outlive the launch.")]
public sealed class Revocation
{
    private readonly CancellationTokenSource _source = new();
    private int _reason;

    /// <summary>Why, once <see cref="Token"/> is cancelled.</summary>
    public RevocationReason Reason => (RevocationReason)Volatile.Read(ref _reason);

    /// <summary>Cancelled when the leases are taken back.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>More about why, for a person; null: nothing more is known. There before <see cref="Token"/> is cancelled.</summary>
    public string? Detail { get; private set; }

    internal void Revoke(RevocationReason reason, string? detail = null)
    {
        // The first reason stands: a runner that we stop because of an eviction is not a crash.
        if (Interlocked.CompareExchange(ref _reason, (int)reason, (int)RevocationReason.None) == (int)RevocationReason.None)
        {
            Detail = detail;

            // The callbacks abort requests; they must never run on the pool's loop.
            _ = _source.CancelAsync();
        }
    }
}
