using System.Globalization;

namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>One request of a trace.</summary>
/// <param name="Number">Its place in the trace.</param>
/// <param name="After">The request whose fate it waits for; null: the beginning of the trace.</param>
/// <param name="WhenSent">Whether it is sent so long after the other one was sent; otherwise after that one was over.</param>
/// <param name="Delay">How long after that moment.</param>
/// <param name="Client">Who sends it.</param>
/// <param name="Model">To whom.</param>
/// <param name="Service">How long the model works on it.</param>
/// <param name="IsBackground">Whether nobody waits for the answer.</param>
internal sealed record TraceRequest(int Number, int? After, bool WhenSent, TimeSpan Delay, string Client, string Model, TimeSpan Service, bool IsBackground);

/// <summary>What clients do, whatever the policy: when each sends what, after which answer. The files and the script that wrote them are in <c>Traces</c>.</summary>
internal sealed record Trace(string Name, int Seed, IReadOnlyList<TraceRequest> Requests)
{
    private const string Folder = "Traces/";

    /// <summary>The names of all traces.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. typeof(Trace).Assembly.GetManifestResourceNames().Where(n => n.StartsWith(Folder, StringComparison.Ordinal)).Select(n => Path.GetFileNameWithoutExtension(n)).Order(StringComparer.Ordinal)];

    /// <summary>Reads a trace, once for each seed that it was drawn from.</summary>
    public static IReadOnlyList<Trace> Read(string name)
    {
        using var file = new StreamReader(typeof(Trace).Assembly.GetManifestResourceStream($"{Folder}{name}.csv") ?? throw new ArgumentException($"there is no trace {name}", nameof(name)));
        var bySeed = file.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(',')).GroupBy(fields => fields[0]);
        return [.. bySeed.Select(seed => new Trace(name, Whole(seed.Key), [.. seed.Select(Parse)]))];
    }

    private static TraceRequest Parse(string[] fields) => new(
        Whole(fields[1]),
        fields[2].Length == 0 ? null : Whole(fields[2]),
        fields[3] == "sent",
        Seconds(fields[4]),
        fields[5],
        fields[6],
        Seconds(fields[7]),
        fields[8] == "background");

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(double.Parse(text, CultureInfo.InvariantCulture));
}
