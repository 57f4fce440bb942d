using System.Globalization;
using System.Text;

namespace MlxGateway.Telemetry.Exposition;

/// <summary>Writes families in Prometheus' text, version 0.0.4.</summary>
internal static class PrometheusText
{
    /// <summary>The type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Writes the families with what the instruments measured. A family that nothing was measured of has its head all the same: it exists.</summary>
    public static string Write(IEnumerable<Family> families, IReadOnlyDictionary<string, SeriesTable> tables)
    {
        var text = new StringBuilder(16 * 1024);
        foreach (var family in families)
        {
            text.Append("# HELP ").Append(family.Name).Append(' ').Append(Escape(family.Help, quotes: false)).Append('\n');
            text.Append("# TYPE ").Append(family.Name).Append(' ').Append(TypeName(family.Type)).Append('\n');
            if (!tables.TryGetValue(family.Instrument, out var table))
            {
                continue;
            }

            // Added up by the labels that are shown, in an order that does not change from one time to the next.
            foreach (var (labels, series) in table.All.Where(family.Shows).GroupBy(s => Labels(family, s), StringComparer.Ordinal).OrderBy(static g => g.Key, StringComparer.Ordinal).Select(static g => (g.Key, g)))
            {
                if (family.Type == FamilyType.Histogram)
                {
                    WriteHistogram(text, family.Name, labels, table.Bounds, [.. series]);
                }
                else
                {
                    Line(text, family.Name, labels, family.Counts ? series.Sum(static s => s.Buckets().Sum()) : series.Sum(static s => s.Sum));
                }
            }
        }

        return text.ToString();
    }

    private static void WriteHistogram(StringBuilder text, string name, string labels, double[] bounds, Series[] series)
    {
        var buckets = series.Select(static s => s.Buckets()).ToList();
        var count = 0L;
        for (var i = 0; i <= bounds.Length; i++)
        {
            count += buckets.Sum(b => b[i]);
            Line(text, name + "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{(i < bounds.Length ? Number(bounds[i]) : "+Inf")}\"", count);
        }

        Line(text, name + "_sum", labels, series.Sum(static s => s.Sum));
        Line(text, name + "_count", labels, count);
    }

    private static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
        {
            text.Append('{').Append(labels).Append('}');
        }

        text.Append(' ').Append(Number(value)).Append('\n');
    }

    // A label without a value is the same as none.
    private static string Labels(Family family, Series series) => string.Join(',', family.Labels
        .Select(l => (l.Label, Text: series.TextOf(l.Tag)))
        .Where(static l => l.Text.Length > 0)
        .Select(static l => $"{l.Label}=\"{Escape(l.Text, quotes: true)}\""));

    private static string Escape(string text, bool quotes)
    {
        var escaped = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return quotes ? escaped.Replace("\"", "\\\"", StringComparison.Ordinal) : escaped;
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : double.IsNegativeInfinity(value) ? "-Inf" : double.IsNaN(value) ? "NaN" : value.ToString("R", CultureInfo.InvariantCulture);

    private static string TypeName(FamilyType type) => type switch
    {
        FamilyType.Counter => "counter",
        FamilyType.Gauge => "gauge",
        _ => "histogram",
    };
}
