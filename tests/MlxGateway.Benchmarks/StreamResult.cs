using System.Text.Json;

namespace MlxGateway.Benchmarks;

/// <summary>What one run of paced streams saw, their beginnings left out.</summary>
/// <param name="PerSecond">How many tokens came in a second, of all streams: fewer than were asked for where the machine cannot keep up.</param>
/// <param name="MedianMicroseconds">Half of the tokens took no longer from the upstream to the client.</param>
/// <param name="TailMicroseconds">99 of 100 took no longer.</param>
/// <param name="CpuMicroseconds">The processor time of the proxy for each token, in all its threads.</param>
internal sealed record StreamResult(double PerSecond, double MedianMicroseconds, double TailMicroseconds, double CpuMicroseconds)
{
    /// <summary>As one line.</summary>
    public string ToLine() => JsonSerializer.Serialize(this);

    /// <summary>Reads the line.</summary>
    public static StreamResult FromLine(string line) => JsonSerializer.Deserialize<StreamResult>(line)!;
}
