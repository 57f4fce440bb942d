using System.Diagnostics.Metrics;
using MlxGateway.Telemetry.Exposition;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>The text of Prometheus, from instruments of the test's own.</summary>
public sealed class PrometheusTextTests : IDisposable
{
    private readonly Meter _meter = new($"MlxGateway.Tests.{Guid.NewGuid():N}");
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, SeriesTable> _tables = new(StringComparer.Ordinal);

    public PrometheusTextTests()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _meter)
            {
                listener.EnableMeasurementEvents(instrument, _tables[instrument.Name] = new SeriesTable(instrument));
            }
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, table) => ((SeriesTable)table!).Note(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, table) => ((SeriesTable)table!).Note(value, tags));
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Label_WithEveryCharacterThatMattersToTheFormat_ComesBackAsItWas()
    {
        const string Name = "a \"quoted\" \\ back\\nslash\nnew line } , = ü 日本";
        _meter.CreateCounter<long>("odd").Add(2, new KeyValuePair<string, object?>("t", Name));

        var scrape = new Scrape(PrometheusText.Write([new("odd_total", FamilyType.Counter, "One\\two\nthree.", "odd", ("model", "t"))], _tables));

        Assert.Equal(2, Assert.Single(scrape.Samples, static s => s.Labels["model"] == Name).Value);
    }

    [Fact]
    public void Histogram_CountsAtAndBelowEachBound()
    {
        var sizes = _meter.CreateHistogram("sizes", "s", "", [], new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1, 2] });
        foreach (var size in new[] { 0.1, 0.5, 0.6, 1, 1.5, 2, 7 })
        {
            sizes.Record(size);
        }

        var scrape = new Scrape(PrometheusText.Write([new("sizes_seconds", FamilyType.Histogram, "Sizes.", "sizes")], _tables));

        Assert.Equal([("0.5", 2), ("1", 4), ("2", 6), ("+Inf", 7)], scrape.Samples.Where(static s => s.Name == "sizes_seconds_bucket").Select(static s => (s.Labels["le"], s.Value)));
        Assert.Equal((12.7, 7), (Math.Round(scrape.Sum("sizes_seconds_sum"), 6), scrape.Sum("sizes_seconds_count")));
    }

    [Fact]
    public void Series_ThatDifferInWhatIsNotShown_AreAddedUp()
    {
        var counter = _meter.CreateCounter<long>("c");
        counter.Add(1, new("a", "x"), new("b", 200));
        counter.Add(2, new("a", "x"), new("b", 404));
        counter.Add(4, new("a", "y"), new("b", 404));
        counter.Add(8, new KeyValuePair<string, object?>("b", 404));

        var scrape = new Scrape(PrometheusText.Write(
            [
                new("all_total", FamilyType.Counter, "All.", "c", ("a", "a")),
                new("some_total", FamilyType.Counter, "Some.", "c", ("a", "a")) { Only = ("b", ["404"]) },
                new("nothing_total", FamilyType.Counter, "Nothing.", "nobody"),
            ],
            _tables));

        Assert.Equal((3, 4, 15), (scrape.Sum("all_total", ("a", "x")), scrape.Sum("all_total", ("a", "y")), scrape.Sum("all_total")));
        Assert.Equal((2, 4, 14), (scrape.Sum("some_total", ("a", "x")), scrape.Sum("some_total", ("a", "y")), scrape.Sum("some_total")));
        Assert.Equal("counter", scrape.Types["nothing_total"]);
    }

    [Fact]
    public void Series_WithoutEnd_AreBoundedAndNothingIsLost()
    {
        var counter = _meter.CreateCounter<long>("many");
        for (var i = 0; i < 6_000; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("n", i));
        }

        Assert.InRange(_tables["many"].All.Count(), 1, 5_001);
        Assert.Equal(6_000, _tables["many"].All.Sum(static s => s.Sum));
    }

    [Fact]
    public void State_IsToldAsItIsNowAndWhatIsGoneIsNot()
    {
        List<Measurement<long>> now = [new(3, new KeyValuePair<string, object?>("m", "a")), new(5, new KeyValuePair<string, object?>("m", "b"))];
        _meter.CreateObservableGauge("state", () => now);

        Assert.Equal([("a", 3), ("b", 5)], Look());
        now = [new(4, new KeyValuePair<string, object?>("m", "b"))];
        Assert.Equal([("b", 4)], Look());

        IEnumerable<(string, double)> Look()
        {
            _tables["state"].Forget();
            _listener.RecordObservableInstruments();
            return new Scrape(PrometheusText.Write([new("state", FamilyType.Gauge, "State.", "state", ("m", "m"))], _tables)).Samples.Select(static s => (s.Labels["m"], s.Value));
        }
    }

    [Fact]
    public async Task Measurements_OfManyThreads_AreAllCounted()
    {
        var histogram = _meter.CreateHistogram("busy", "s", "", [], new InstrumentAdvice<double> { HistogramBucketBoundaries = [1] });

        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                histogram.Record(i % 2 == 0 ? 0.5 : 2, new KeyValuePair<string, object?>("t", i % 7));
            }
        })));

        Assert.Equal((80_000, 100_000), (_tables["busy"].All.Sum(static s => s.Buckets().Sum()), _tables["busy"].All.Sum(static s => s.Sum)));
    }
}
