using System.Globalization;

namespace MlxGateway.Benchmarks;

/// <summary>The table on standard output, and nothing else.</summary>
internal static class Report
{
    /// <summary>Writes the head.</summary>
    public static void Begin(int rounds)
    {
        Console.WriteLine($"{rounds} interleaved rounds; median [least – most]; the ratio is the median of the rounds' own ratios, gateway over yardstick");
        Machine("before");
        Console.WriteLine();
        Line("what", "unit", "gateway", "yardstick", "ratio");
        Console.WriteLine(new string('-', 132));
    }

    /// <summary>Writes the foot.</summary>
    public static void End() => Machine("after");

    /// <summary>Writes a figure with its yardstick.</summary>
    public static void Compare(string what, string unit, Series gateway, Series yardstick) => Line(what, unit, Show(gateway), Show(yardstick), Show(gateway.Over(yardstick), "0.000"));

    /// <summary>Writes a figure that has no yardstick, or that has something to say instead.</summary>
    public static void Alone(string what, string unit, Series gateway, string remark = "") => Line(what, unit, Show(gateway), remark, "");

    /// <summary>Says why there is no figure.</summary>
    public static void Skipped(string what, string why) => Line(what, "", $"skipped: {why}", "", "");

    // Figures of a machine that had something else to do are worth little; whoever reads them can see it.
    private static void Machine(string when)
    {
        var load = OperatingSystem.IsLinux() ? $", load average {when}: {string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3])}" : "";
        Console.WriteLine($"{Environment.ProcessorCount} processors{load}");
    }

    private static string Show(Series series, string format = "") => $"{Number(series.Median, format)} [{Number(series.Least, format)} – {Number(series.Most, format)}]";

    private static string Number(double value, string format) =>
        value.ToString(format.Length > 0 ? format : Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    private static void Line(string what, string unit, string gateway, string yardstick, string ratio) => Console.WriteLine($"{what,-38} {unit,-9} {gateway,-28} {yardstick,-28} {ratio}".TrimEnd());
}
