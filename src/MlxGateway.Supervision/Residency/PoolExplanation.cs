using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>Who is in memory, who waits for what and why, what will happen next, and what was decided lately; all of one moment.</summary>
/// <param name="At">The moment.</param>
/// <param name="Ceiling">The most that all models together may ever use.</param>
/// <param name="Usable">The most that they may use now.</param>
/// <param name="Planned">The sum of what those in memory are counted with.</param>
/// <param name="Residents">Every model that is not absent, ordered by id.</param>
/// <param name="Waiting">Every model that somebody waits for, in the order in which they will be looked at.</param>
/// <param name="Next">What will happen if nobody asks for anything, the soonest first.</param>
/// <param name="Decisions">What was decided lately, the newest first.</param>
public sealed record PoolExplanation(
    DateTimeOffset At,
    ByteSize Ceiling,
    ByteSize Usable,
    ByteSize Planned,
    IReadOnlyList<ResidentExplanation> Residents,
    IReadOnlyList<WaitingExplanation> Waiting,
    IReadOnlyList<ExpectedEvent> Next,
    IReadOnlyList<Decision> Decisions)
{
    /// <summary>How many leases have been granted and not come back, those of runners that have gone included: when no request is under way, none.</summary>
    public int LeasesOut { get; init; }

    /// <summary>The same without what is said of other models. What the house has is everybody's to know.</summary>
    /// <param name="isShown">Whether what is said of the model of an id is.</param>
    public PoolExplanation Only(Func<string, bool> isShown) => this with
    {
        Residents = [.. Residents.Where(r => isShown(r.Model))],
        Waiting = [.. Waiting.Where(w => isShown(w.Model))],
        Next = [.. Next.Where(e => isShown(e.Model))],
        Decisions = [.. Decisions.Where(d => isShown(d.Model))],
    };
}

/// <summary>Why a model is where it is.</summary>
/// <param name="Model">Its id.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Since">Since when.</param>
/// <param name="Planned">What it is counted with.</param>
/// <param name="People">Requests of people that it serves.</param>
/// <param name="Background">Background requests that it serves.</param>
/// <param name="Idle">How long it has been unused; null: it is not idle.</param>
/// <param name="LoadTime">How long its last load took; null: never measured.</param>
/// <param name="Why">In words.</param>
public sealed record ResidentExplanation(
    string Model, ResidentState State, DateTimeOffset Since, ByteSize Planned, int People, int Background, TimeSpan? Idle, TimeSpan? LoadTime, string Why);

/// <summary>Who waits for a model, and for what.</summary>
/// <param name="Model">The model.</param>
/// <param name="People">How many people wait for it.</param>
/// <param name="Background">How many background requests do.</param>
/// <param name="Longest">How long the first of them has waited.</param>
/// <param name="Why">For what, in words.</param>
/// <param name="Until">When this ends at the latest, one way or the other; null: it depends on others.</param>
public sealed record WaitingExplanation(string Model, int People, int Background, TimeSpan Longest, string Why, DateTimeOffset? Until);

/// <summary>Something that will happen.</summary>
/// <param name="At">When.</param>
/// <param name="Model">To whom.</param>
/// <param name="What">In words.</param>
public sealed record ExpectedEvent(DateTimeOffset At, string Model, string What);
