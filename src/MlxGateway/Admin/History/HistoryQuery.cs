namespace MlxGateway.Admin.History;

/// <summary>Which requests somebody wants to see.</summary>
internal sealed record HistoryQuery
{
    /// <summary>How many at most.</summary>
    public int Limit { get; init; } = 100;

    /// <summary>Only those with a lower number; null: from the newest on.</summary>
    public long? Before { get; init; }

    /// <summary>Only those of this model.</summary>
    public string? Model { get; init; }

    /// <summary>Only those that ended so.</summary>
    public string? Outcome { get; init; }

    /// <summary>Only those with this key.</summary>
    public string? Key { get; init; }

    /// <summary>Only those that were over then or later.</summary>
    public DateTime? Since { get; init; }

    /// <summary>Only those that were over before then.</summary>
    public DateTime? Until { get; init; }

    /// <summary>Only those that are for whoever asks; null: all are.</summary>
    public Func<PastRequest, bool>? IsShown { get; init; }

    public bool Wants(PastRequest request) =>
        (Before is not { } number || request.Number < number)
        && (Model is null || request.Model == Model)
        && (Outcome is null || request.Outcome == Outcome)
        && (Key is null || request.Key == Key)
        && (Since is not { } since || request.At >= since)
        && (Until is not { } until || request.At < until)
        && IsShown?.Invoke(request) != false;
}
