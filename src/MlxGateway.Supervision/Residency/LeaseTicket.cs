using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>A caller's place in the queue. It is settled exactly once: granted, refused or abandoned.</summary>
/// <param name="model">What the caller wants, as the catalog had it at that moment.</param>
/// <param name="needs">What it needs in memory; null where the model was seen ready, so that nobody had to work it out.</param>
/// <param name="terms">On what terms.</param>
/// <param name="arrivedAt">When the caller came.</param>
internal sealed class LeaseTicket(ModelSpec model, MemoryNeeds? needs, LeaseTerms terms, DateTimeOffset arrivedAt)
{
    // Continuations run the caller's request; they must never run on the pool's loop.
    private readonly TaskCompletionSource<ModelLease> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ModelSpec Model => model;

    public MemoryNeeds? Needs => needs;

    public LeaseTerms Terms => terms;

    /// <summary>Whose it is; all of whom nothing is known are one client.</summary>
    public string Client => terms.Client ?? "";

    public DateTimeOffset ArrivedAt => arrivedAt;

    public Task<ModelLease> Outcome => _outcome.Task;

    /// <summary>The id of the model in whose line it stands: its own, or a stand-in's. Only the ledger uses it.</summary>
    public string WaitsFor { get; set; } = model.Id;

    /// <summary>The place among those who wait for the same model; null while the ticket does not wait. Only the ledger uses it.</summary>
    public LinkedListNode<LeaseTicket>? Place { get; set; }

    /// <summary>The order of arrival among all who wait. Only the ledger uses it.</summary>
    public long Order { get; set; }

    /// <summary>How long the model had been launching, in all, when this ticket came. Only the ledger uses it.</summary>
    public TimeSpan LaunchingBefore { get; set; }

    /// <summary>Hands the lease over. False means the caller is gone, and the lease must be returned.</summary>
    public bool TryGrant(ModelLease lease) => _outcome.TrySetResult(lease);

    /// <summary>Tells the caller why there is no lease. False means the caller is gone.</summary>
    public bool TryRefuse(Refusal refusal) => _outcome.TrySetException(refusal.ToException());

    /// <summary>The caller leaves. False means the ticket was settled before.</summary>
    public bool TryAbandon(CancellationToken cancellationToken) => _outcome.TrySetCanceled(cancellationToken);
}
