namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>How a request of a trace ended.</summary>
internal enum VisitEnd
{
    /// <summary>It has not.</summary>
    None,

    /// <summary>With its answer.</summary>
    Answered,

    /// <summary>It was begun and taken back.</summary>
    Revoked,

    /// <summary>It was never begun.</summary>
    Refused,
}

/// <summary>What became of one request of a trace.</summary>
internal sealed class Visit(TraceRequest request, DateTimeOffset sentAt)
{
    public TraceRequest Request => request;

    public DateTimeOffset SentAt => sentAt;

    /// <summary>When a model began to work on it; null: none did.</summary>
    public DateTimeOffset? ServedAt { get; set; }

    public DateTimeOffset OverAt { get; set; }

    public VisitEnd End { get; set; }

    /// <summary>The longest that it may wait, as promised when it came; null: the policy promises nothing.</summary>
    public TimeSpan? Bound { get; set; }

    public TimeSpan Waited => (ServedAt ?? OverAt) - sentAt;
}
