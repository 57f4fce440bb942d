namespace MlxGateway.Supervision.Residency;

/// <summary>On what terms a request wants its lease.</summary>
public sealed record LeaseTerms
{
    /// <summary>A person or an agent waits for the answer, and nothing else is known of the request.</summary>
    public static LeaseTerms Person { get; } = new();

    /// <summary>Nobody waits for the answer: a title, tags, follow-ups. Such a request stands behind people everywhere, and is ended where it stands in their way.</summary>
    public bool IsBackground { get; init; }

    /// <summary>Whether idle models may be sent away for it. False for a model that is loaded ahead of any request: if there is no room, it is refused at once. Only for background requests.</summary>
    public bool MayEvict { get; init; } = true;

    /// <summary>Whose request it is, in any form that tells clients apart; those of one model's queue are served in turns. Null: nobody knows.</summary>
    public string? Client { get; init; }

    /// <summary>How long the model is to stay after this request when nothing else asks for it; zero: not at all; <see cref="Timeout.InfiniteTimeSpan"/>: until it must leave for others; null: as configured.</summary>
    public TimeSpan? KeepAlive { get; init; }

    /// <summary>Who serves a background request whose own model is not ready or serves people; null: nobody, and it waits.</summary>
    public Models.ModelSpec? StandIn { get; init; }
}
