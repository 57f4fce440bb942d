using System.Text.Json;
using System.Text.RegularExpressions;
using MlxGateway.Telemetry.Exposition;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>The dashboard that is delivered, held against what a gateway really shows.</summary>
[Collection(nameof(WatchedRun))]
public sealed partial class DashboardTests(WatchedRun run)
{
    private static readonly JsonElement Dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root(), "docker", "grafana", "mlxgateway.json"))).RootElement;

    private static IEnumerable<JsonElement> Panels => Dashboard.GetProperty("panels").EnumerateArray().Where(static p => p.GetProperty("type").GetString() != "row");

    private static IEnumerable<(string Expression, string Legend)> Queries => Panels.SelectMany(static p => p.GetProperty("targets").EnumerateArray()).Select(static t => (t.GetProperty("expr").GetString()!, t.GetProperty("legendFormat").GetString()!));

    [Fact]
    public void Queries_NameOnlyWhatAScrapeHas()
    {
        var variables = Dashboard.GetProperty("templating").GetProperty("list").EnumerateArray().Where(static v => v.GetProperty("type").GetString() == "query").Select(static v => v.GetProperty("query").GetProperty("query").GetString()!);
        foreach (var query in Queries.Select(static q => q.Expression).Concat(variables))
        {
            var names = Name().Matches(query).Select(static m => m.Value).ToList();
            Assert.NotEmpty(names);
            Assert.All(names, name => Assert.True(run.During.Has(name) || run.After.Has(name) || name == "mlxgateway_cached_prompt_tokens_total", $"No sample of {name}, in {query}."));
        }

        Assert.Contains("mlxgateway_cached_prompt_tokens_total", run.After.Types.Keys); // of which demonstration runners tell none
    }

    // Otherwise one chooses a gateway and is shown all of them.
    [Fact]
    public void Queries_KeepToTheChosenJob() => Assert.All(Queries.Select(static q => q.Expression), static query =>
        Assert.All(Name().Matches(query), name => Assert.StartsWith("{job=~\"$job\"", query[(name.Index + name.Length)..], StringComparison.Ordinal)));

    [Fact]
    public void Queries_GroupAndSelectByLabelsThatTheirFamiliesHave()
    {
        foreach (var (query, legend) in Queries)
        {
            var labels = Name().Matches(query).Select(static m => m.Value)
                .SelectMany(name => Families.All.Where(f => f.Name == name || (f.Type == FamilyType.Histogram && name == f.Name + "_bucket")).SelectMany(static f => f.Labels.Select(static l => l.Label)))
                .Concat(["le", "job", "instance"]).ToHashSet(StringComparer.Ordinal);
            var used = Groups().Matches(query).SelectMany(static m => m.Groups["labels"].Value.Split(", "))
                .Concat(Selected().Matches(query).Select(static m => m.Groups["label"].Value))
                .Concat(Legend().Matches(legend).Select(static m => m.Groups["label"].Value));
            Assert.All(used, label => Assert.True(labels.Contains(label), $"{label} is no label of {query}."));
        }
    }

    [Fact]
    public void Panels_AskTheChosenDataSourceAndLieBesideEachOther()
    {
        Assert.All(Panels, static p => Assert.Equal("${datasource}", p.GetProperty("datasource").GetProperty("uid").GetString()));
        var taken = new HashSet<(int, int)>();
        foreach (var at in Dashboard.GetProperty("panels").EnumerateArray().Select(static p => p.GetProperty("gridPos")))
        {
            var (x, y, w, h) = (at.GetProperty("x").GetInt32(), at.GetProperty("y").GetInt32(), at.GetProperty("w").GetInt32(), at.GetProperty("h").GetInt32());
            Assert.InRange(x + w, 1, 24);
            Assert.All(Enumerable.Range(x, w).SelectMany(column => Enumerable.Range(y, h).Select(line => (column, line))), cell => Assert.True(taken.Add(cell), $"Two panels at {cell}."));
        }

        var ids = Dashboard.GetProperty("panels").EnumerateArray().Select(static p => p.GetProperty("id").GetInt32()).ToList();
        Assert.Equal(ids.Distinct(), ids);
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "MlxGateway.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }

    [GeneratedRegex(@"\b(?:mlxgateway_|vllm:|process_)[a-z_]+\b")]
    private static partial Regex Name();

    [GeneratedRegex(@"\bby \((?<labels>[^)]*)\)")]
    private static partial Regex Groups();

    [GeneratedRegex("""[{,](?<label>[a-z_]+)=~?""")]
    private static partial Regex Selected();

    [GeneratedRegex(@"\{\{(?<label>[a-z_]+)\}\}")]
    private static partial Regex Legend();
}
