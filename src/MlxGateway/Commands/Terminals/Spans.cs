using System.Globalization;

namespace MlxGateway.Commands.Terminals;

/// <summary>Durations, sizes and counts in a few letters.</summary>
internal static class Spans
{
    /// <summary>For example <c>12 s</c>, <c>3 min</c>, <c>2 h 5 min</c>, <c>4 d</c>.</summary>
    public static string Of(TimeSpan span) => span.TotalSeconds switch
    {
        < 0 => "0 s",
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.#} s"),
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalSeconds):0} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalMinutes):0} min"),
        < 172800 => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalHours):0} h {span.Minutes} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(span.TotalDays):0} d"),
    };

    /// <summary>For example <c>40,960</c>.</summary>
    public static string Of(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
}
