using System.Globalization;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// What a model is counted with after the system killed it for memory: 1.25 times what it was said to need, for each such death in a row, at most three times over. What is said to
/// need is never less than the most that was observed, so this is at least 1.25 times the observed peak.
/// </summary>
internal static class MemoryMargin
{
    private const double Growth = 1.25;
    private const int MostKills = 3;

    /// <param name="needs">What it is said to need.</param>
    /// <param name="kills">How often in a row it was killed; at least 1.</param>
    /// <param name="most">The most that there can be for it.</param>
    public static MemoryNeed Of(MemoryNeeds needs, int kills, ByteSize most)
    {
        var factor = Math.Pow(Growth, Math.Min(kills, MostKills));
        return needs.Choices.Select(need => Grown(need, factor)).FirstOrDefault(need => need.Total <= most)

            // All that there is, then: it is not refused for bytes that it may not need.
            ?? Grown(needs.Least, factor) with { Total = ByteSize.Max(needs.Least.Total, most) };
    }

    private static MemoryNeed Grown(MemoryNeed need, double factor) => need with
    {
        Total = new ByteSize((long)(need.Total.Bytes * factor)),
        Reason = string.Create(CultureInfo.InvariantCulture, $"{need.Reason}, times {factor:0.##} because the system killed it for memory"),
    };
}
