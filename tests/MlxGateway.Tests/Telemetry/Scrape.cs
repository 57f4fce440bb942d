using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>What <c>/metrics</c> says, read as strictly as the format is written: a text that breaks any of its rules is an error.</summary>
internal sealed partial class Scrape
{
    private readonly List<Sample> _samples = [];
    private readonly Dictionary<string, string> _types = new(StringComparer.Ordinal);

    public Scrape(string text)
    {
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\r", text, StringComparison.Ordinal);
        string? family = null;
        var helped = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in text[..^1].Split('\n'))
        {
            if (Help().Match(line) is { Success: true } help)
            {
                Assert.True(helped.Add(help.Groups["name"].Value), $"Two helps: {line}");
                family = help.Groups["name"].Value;
            }
            else if (Type().Match(line) is { Success: true } type)
            {
                Assert.Equal(family, type.Groups["name"].Value); // all of a family stands together, its help first
                Assert.True(_types.TryAdd(family!, type.Groups["type"].Value), $"Two types: {line}");
            }
            else
            {
                var sample = Read(line);
                Assert.Equal(family, sample.Family(_types));
                _samples.Add(sample);
            }
        }

        Assert.Equal(_samples.Count, _samples.Select(static s => s.Key).Distinct(StringComparer.Ordinal).Count());
        foreach (var (name, type) in _types)
        {
            Assert.Equal(type == "counter", name.EndsWith("_total", StringComparison.Ordinal));
            if (type == "histogram")
            {
                CheckHistogram(name);
            }
        }
    }

    /// <summary>The families, whether they have samples or not.</summary>
    public IReadOnlyDictionary<string, string> Types => _types;

    /// <summary>Every sample.</summary>
    public IReadOnlyList<Sample> Samples => _samples;

    /// <summary>The sum of the samples of this name that have these labels.</summary>
    public double Sum(string name, params (string Label, string Value)[] labels) => With(name, labels).Sum(static s => s.Value);

    /// <summary>Whether there is such a sample.</summary>
    public bool Has(string name, params (string Label, string Value)[] labels) => With(name, labels).Any();

    private IEnumerable<Sample> With(string name, (string Label, string Value)[] labels) =>
        _samples.Where(s => s.Name == name && Array.TrueForAll(labels, l => s.Labels.GetValueOrDefault(l.Label) == l.Value));

    private void CheckHistogram(string name)
    {
        foreach (var buckets in With(name + "_bucket", []).GroupBy(static s => s.KeyWithout("le")))
        {
            var all = buckets.ToList();
            Assert.Equal("+Inf", all[^1].Labels["le"]);
            var bounds = all.Select(static s => Number(s.Labels["le"])).ToList();
            Assert.Equal(bounds.Order(), bounds);
            Assert.Equal(all.Select(static s => s.Value).Order(), all.Select(static s => s.Value));
            var key = buckets.Key.Replace("_bucket", "", StringComparison.Ordinal);
            Assert.Equal(all[^1].Value, _samples.Single(s => s.Name == name + "_count" && s.KeyAs(name) == key).Value);
            Assert.Single(_samples, s => s.Name == name + "_sum" && s.KeyAs(name) == key);
        }
    }

    private static Sample Read(string line)
    {
        var match = Line().Match(line);
        Assert.True(match.Success, $"Not a line: {line}");
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        var inner = match.Groups["labels"].Value;
        for (var at = 0; at < inner.Length;)
        {
            var label = Label().Match(inner, at);
            Assert.True(label.Success && label.Index == at, $"Not a label: {inner[at..]}");
            labels.Add(label.Groups["name"].Value, Unescape(label.Groups["value"].Value));
            at += label.Length;
        }

        return new Sample(match.Groups["name"].Value, labels, Number(match.Groups["value"].Value));
    }

    private static string Unescape(string text) => Escape().Replace(text, static m => m.Value switch { "\\n" => "\n", "\\\"" => "\"", "\\\\" => "\\", _ => throw new FormatException($"Not an escape: {m.Value}") });

    private static double Number(string text) => text == "+Inf" ? double.PositiveInfinity : double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) \S.*$")]
    private static partial Regex Help();

    [GeneratedRegex(@"^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram)$")]
    private static partial Regex Type();

    [GeneratedRegex("""^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (?<value>[+-]?(?:Inf|\d+(?:\.\d+)?(?:E[+-]?\d+)?)|NaN)$""")]
    private static partial Regex Line();

    [GeneratedRegex("""(?<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\\n]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$)""")]
    private static partial Regex Label();

    [GeneratedRegex(@"\\.")]
    private static partial Regex Escape();

    /// <summary>One sample.</summary>
    internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
    {
        public string Key => KeyWithout("");

        public string KeyWithout(string label) => Name + string.Concat(Labels.Where(l => l.Key != label).OrderBy(static l => l.Key, StringComparer.Ordinal).Select(static l => $"|{l.Key}={l.Value}"));

        public string KeyAs(string name) => name + KeyWithout("")[Name.Length..];

        public string? Family(IReadOnlyDictionary<string, string> types) =>
            types.ContainsKey(Name) ? Name : new[] { "_bucket", "_sum", "_count" }.Where(end => Name.EndsWith(end, StringComparison.Ordinal)).Select(end => Name[..^end.Length]).FirstOrDefault(family => types.GetValueOrDefault(family) == "histogram");
    }
}
