using System.Text.Json;
using MlxGateway.Inference;

namespace MlxGateway.Admin.History;

/// <summary>How the ends of requests are called.</summary>
internal static class Outcomes
{
    private static readonly Dictionary<RequestOutcome, string> Names = Enum.GetValues<RequestOutcome>().ToDictionary(static o => o, static o => JsonNamingPolicy.SnakeCaseLower.ConvertName(o.ToString()));

    /// <summary>All of them.</summary>
    public static IReadOnlyCollection<string> All => Names.Values;

    public static string NameOf(RequestOutcome outcome) => Names[outcome];
}
