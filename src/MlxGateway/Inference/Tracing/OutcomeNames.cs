namespace MlxGateway.Inference.Tracing;

/// <summary>How outcomes are called where programs read them.</summary>
internal static class OutcomeNames
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Enum.GetValues<RequestOutcome>().Select(Of)];

    /// <summary>The name of an outcome.</summary>
    public static string Of(RequestOutcome outcome) => outcome switch
    {
        RequestOutcome.Completed => "completed",
        RequestOutcome.Refused => "refused",
        RequestOutcome.Failed => "failed",
        RequestOutcome.Broken => "broken",
        RequestOutcome.ClientLeft => "client_left",
        _ => "cancelled",
    };
}
