namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>How long requests of one sort waited, in seconds.</summary>
internal readonly record struct Waits(double Median, double P95, double Most)
{
    public static Waits Of(IEnumerable<Visit> visits)
    {
        double[] sorted = [.. visits.Select(v => v.Waited.TotalSeconds).Order()];
        return sorted.Length == 0 ? default : new(sorted[sorted.Length / 2], sorted[(int)(0.95 * sorted.Length)], sorted[^1]);
    }

    public static Waits Mean(IReadOnlyCollection<Waits> all) => new(all.Average(w => w.Median), all.Average(w => w.P95), all.Average(w => w.Most));
}

/// <summary>What a policy made of a trace; of several seeds the mean.</summary>
/// <param name="Loads">How often a model was loaded.</param>
/// <param name="Makespan">From the beginning to the last person's answer, in seconds.</param>
/// <param name="People">How long people waited.</param>
/// <param name="BackgroundAnswered">The share of background requests that got an answer; the others were ended or refused.</param>
/// <param name="Background">How long those waited that did.</param>
internal sealed record Figures(double Loads, double Makespan, Waits People, double BackgroundAnswered, Waits Background)
{
    public static Figures Of(Playback played)
    {
        var people = played.Visits.Where(v => !v.Request.IsBackground).ToList();
        var background = played.Visits.Where(v => v.Request.IsBackground).ToList();
        var answered = background.Where(v => v.End is VisitEnd.Answered).ToList();
        return new(
            played.Loads,
            (people.Max(v => v.OverAt) - DateTimeOffset.UnixEpoch).TotalSeconds,
            Waits.Of(people),
            background.Count == 0 ? double.NaN : (double)answered.Count / background.Count,
            Waits.Of(answered));
    }

    public static Figures Mean(IReadOnlyCollection<Figures> all) => new(
        all.Average(f => f.Loads),
        all.Average(f => f.Makespan),
        Waits.Mean([.. all.Select(f => f.People)]),
        all.Average(f => f.BackgroundAnswered),
        Waits.Mean([.. all.Select(f => f.Background)]));
}
