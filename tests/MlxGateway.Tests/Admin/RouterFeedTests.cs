using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Admin;
using MlxGateway.Admin.Router;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Admin;

/// <summary>What a reader of <c>GET /models/sse</c> is told, over a pool that the test plays.</summary>
public sealed class RouterFeedTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Shelf _shelf = new();
    private readonly PlayedPool _pool;
    private readonly ModelCatalog _catalog;
    private readonly ModelLoads _loads;
    private readonly RouterView _view;

    public RouterFeedTests()
    {
        _pool = new PlayedPool(_time);
        _catalog = new ModelCatalog([_shelf], new FactsCache(), _time, NullLogger<ModelCatalog>.Instance);
        Assert.True(_catalog.TryAdopt(
            new ModelSettings { Models = new Dictionary<string, ModelOptions>(), Discovery = new DiscoveryOptions(), BaseFolder = "/", KnownKinds = ["demo"], OfferedKinds = ["demo"] },
            new SettingsErrors()));
        _loads = new ModelLoads(_pool);
        _view = new RouterView(_catalog, _pool, _loads, new ModelRemover(_catalog), new NoDownloads(), new AdminOptions(), _time);
    }

    [Fact]
    public void Write_ModelComesAndGoes_TellsEachStepAsTheRouterDoes()
    {
        using var feed = Open();
        Assert.Empty(Take(feed));

        _pool.Enter("a", ResidentState.Launching);
        Assert.Equal(["""{"model":"a","event":"model_status","data":{"status":"loading"}}"""], Take(feed));
        _pool.Enter("a", ResidentState.Ready);
        var loaded = JsonDocument.Parse(Take(feed).Single()).RootElement;
        Assert.Equal(("a", "model_status", "loaded"), (loaded.GetProperty("model").GetString(), loaded.GetProperty("event").GetString(), loaded.GetProperty("data").GetProperty("status").GetString()));
        Assert.True(loaded.GetProperty("data").TryGetProperty("info", out _));
        _pool.Enter("a", ResidentState.Draining);
        _pool.Enter("a", ResidentState.Stopping);
        Assert.Empty(Take(feed)); // in memory until it is gone
        _pool.Enter("a", ResidentState.Absent);
        Assert.Equal(["""{"model":"a","event":"model_status","data":{"status":"unloaded","exit_code":0}}"""], Take(feed));
    }

    [Fact]
    public void Write_LoadTakesAsLongAsTheLastOne_TellsHowFarItIs()
    {
        using var feed = Open();
        _pool.Enter("a", ResidentState.Launching, loadTime: TimeSpan.FromSeconds(10));
        Take(feed);

        _time.Advance(TimeSpan.FromSeconds(4));

        Assert.Equal(["""{"model":"a","event":"model_status","data":{"status":"loading","progress":{"stages":["text_model"],"current":"text_model","value":0.4}}}"""], Take(feed));
    }

    // Clients wait for this very event: without an exit code other than zero they wait for ever.
    [Fact]
    public async Task Write_LoadIsRefusedLater_SaysThatItFailedAndWhy()
    {
        using var feed = Open();
        var outcome = _loads.BeginAsync(_catalog.Current.Find("a")!);
        Assert.Equal(["""{"model":"a","event":"model_status","data":{"status":"loading"}}"""], Take(feed)); // it waits for room

        _pool.Refuse(new LeaseRefusedException("Other programs hold the memory.", RefusalReason.InsufficientMemoryNow));

        Assert.Equal("insufficient_memory_now", (await outcome)!.Code);
        Assert.Equal(["""{"model":"a","event":"model_status","data":{"status":"unloaded","exit_code":1,"failure":"Other programs hold the memory."}}"""], Take(feed));
        _ = _loads.BeginAsync(_catalog.Current.Find("a")!);
        Assert.Equal(["""{"model":"a","event":"model_status","data":{"status":"loading"}}"""], Take(feed)); // a new try is a new tale
    }

    [Fact]
    public void Write_ModelFailsAndCools_SaysThatItFailedAndWhy()
    {
        using var feed = Open();
        _pool.Enter("b", ResidentState.Launching);
        _pool.Enter("b", ResidentState.Cooling, failure: "the process ended with exit code 3");

        Assert.Equal(["""{"model":"b","event":"model_status","data":{"status":"unloaded","exit_code":1,"failure":"the process ended with exit code 3"}}"""], Take(feed));
    }

    [Fact]
    public void Write_CatalogChanges_TellsWhatIsGoneAndThatTheListIsAnother()
    {
        using var feed = Open();
        _shelf.Ids = ["b", "c"];
        _catalog.Rebuild();

        Assert.Equal(["""{"model":"a","event":"model_remove"}""", """{"model":"*","event":"models_reload"}"""], Take(feed));
    }

    [Fact]
    public void Write_CallerMayNotUseIt_IsToldNothingOfIt()
    {
        using var feed = new RouterFeed(_catalog, _pool, _loads, _view, new NoDownloads(), new Only("b"), _time);
        _pool.Enter("a", ResidentState.Ready);

        Assert.Empty(Take(feed));
    }

    // An hour of comings and goings, of which a reader that looks at the end is told the outcome.
    [Fact]
    public async Task Wait_ForAnHour_WakesForEveryChangeAndLeavesNoTimerBehind()
    {
        using var feed = Open();
        using var over = new CancellationTokenSource();
        for (var minute = 0; minute < 60; minute++)
        {
            var waiting = feed.WaitAsync(over.Token);
            _pool.Enter("a", minute % 2 == 0 ? ResidentState.Ready : ResidentState.Absent);
            await waiting.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.Single(Take(feed));

            var quiet = feed.WaitAsync(over.Token);
            await _time.TimerWithinAsync(RouterFeed.Glance, TestContext.Current.CancellationToken);
            Assert.False(quiet.IsCompleted);
            _time.Advance(TimeSpan.FromMinutes(1));
            await quiet.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.Empty(Take(feed));
        }

        Assert.False(_time.TimerWithinAsync(TimeSpan.FromDays(1), CancellationToken.None).IsCompleted);
        await Gateway.UntilAsync(() => _pool.Waiting == 0);
    }

    private RouterFeed Open() => new(_catalog, _pool, _loads, _view, new NoDownloads(), caller: null, _time);

    private static List<string> Take(RouterFeed feed)
    {
        var output = new ArrayBufferWriter<byte>();
        while (feed.TryWrite(output))
        {
        }

        return [.. Encoding.UTF8.GetString(output.WrittenSpan).Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(e => e["data: ".Length..])];
    }
}
