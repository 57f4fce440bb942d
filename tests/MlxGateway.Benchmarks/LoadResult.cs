using System.Text.Json;

namespace MlxGateway.Benchmarks;

/// <summary>What one run of the load generator saw, the warm-up left out.</summary>
/// <param name="Requests">How many whole answers.</param>
/// <param name="Seconds">From the first request to the last answer.</param>
/// <param name="MedianMicroseconds">Half of the answers took no longer, from the first byte sent to the last one read.</param>
/// <param name="TailMicroseconds">99 of 100 took no longer.</param>
/// <param name="Reconnects">How many answers were followed by a closed connection.</param>
internal sealed record LoadResult(int Requests, double Seconds, double MedianMicroseconds, double TailMicroseconds, int Reconnects)
{
    /// <summary>Whole answers a second.</summary>
    public double PerSecond => Requests / Seconds;

    /// <summary>As one line.</summary>
    public string ToLine() => JsonSerializer.Serialize(this);

    /// <summary>Reads the line.</summary>
    public static LoadResult FromLine(string line) => JsonSerializer.Deserialize<LoadResult>(line)!;
}
