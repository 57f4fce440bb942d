using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Admin.History;
using MlxGateway.Admin.LlamaSwap;
using MlxGateway.Admin.Logs;
using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Admin;

/// <summary>What a reader of <c>GET /api/events</c> is told, over a pool that the test plays.</summary>
public sealed class SwapFeedTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly Shelf _shelf = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-events-");
    private readonly PlayedPool _pool;
    private readonly ModelCatalog _catalog;
    private readonly GatewayLog _log;
    private readonly RequestHistory _history;

    public SwapFeedTests()
    {
        _pool = new PlayedPool(_time);
        _catalog = new ModelCatalog([_shelf], new FactsCache(), _time, NullLogger<ModelCatalog>.Instance);
        Assert.True(_catalog.TryAdopt(
            new ModelSettings { Models = new Dictionary<string, ModelOptions>(), Discovery = new DiscoveryOptions(), BaseFolder = "/", KnownKinds = ["demo"], OfferedKinds = ["demo"] },
            new SettingsErrors()));
        _log = new GatewayLog(_folder.FullName, _time);
        _history = new RequestHistory(Path.Combine(_folder.FullName, "history"), 1000, _time, NullLogger<RequestHistory>.Instance);
    }

    private string LogFile => Path.Combine(_folder.FullName, "gateway-1.log");

    public void Dispose()
    {
        _history.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Write_ReaderComes_TellsHowEverythingStandsInTheOrderOfLlamaSwap()
    {
        File.WriteAllText(LogFile, "first\nsecond\n");
        Complete("a", 200);
        Complete("b", 503);
        Complete(null, 404); // it was no model's
        var at = JsonSerializer.Serialize(_time.GetUtcNow().UtcDateTime);
        using var feed = Open();

        var events = await TakeAsync(feed);

        Assert.Equal(["logData", "modelStatus", "metrics"], events.Select(static e => e.Type));
        Assert.Equal("""{"source":"proxy","data":"first\nsecond\n"}""", events[0].Data);
        Assert.Equal(
            """[{"id":"a","name":"","state":"stopped","unlisted":false,"aliases":[],"description":"","peerID":""},{"id":"b","name":"","state":"stopped","unlisted":false,"aliases":[],"description":"","peerID":""}]""",
            events[1].Data);
        Assert.Equal(
            $$"""
            [{"id":1,"timestamp":{{at}},"model":"a","req_path":"/v1/chat/completions","resp_status_code":200,"duration_ms":1500,"tokens":{"cache_tokens":-1,"input_tokens":12,"output_tokens":34,"prompt_per_second":-1,"tokens_per_second":-1},"cache_tokens":-1,"input_tokens":12,"output_tokens":34,"prompt_per_second":-1,"tokens_per_second":-1,"has_capture":false}
            """.Trim(),
            events[2].Data[..events[2].Data.IndexOf(",{\"id\":2", StringComparison.Ordinal)]);
        Assert.Equal([(1, "a"), (2, "b")], Metrics(events[2]));
        Assert.Empty(await TakeAsync(feed));
    }

    [Fact]
    public async Task Write_ModelComesAndGoes_TellsEachStepInItsWords()
    {
        using var feed = Open();
        await TakeAsync(feed);

        var told = new List<string?>();
        foreach (var state in new[] { ResidentState.Launching, ResidentState.Ready, ResidentState.Draining, ResidentState.Stopping, ResidentState.Cooling, ResidentState.Absent })
        {
            _pool.Enter("a", state);
            told.AddRange((await TakeAsync(feed)).Select(static e => e.Type == "modelStatus" ? State(e, "a") : e.Type));
        }

        Assert.Equal(["starting", "ready", "stopping", "stopped"], told); // what is the same in its words is not told twice
        _pool.Enter("a", ResidentState.Ready);
        _pool.ShutDown();
        var last = Assert.Single(await TakeAsync(feed));
        Assert.Equal(("ready", "shutdown"), (State(last, "a"), State(last, "b")));
    }

    [Fact]
    public async Task Write_RequestIsOver_TellsItOnce()
    {
        using var feed = Open();
        await TakeAsync(feed);

        Complete("a", 200);
        var news = await TakeAsync(feed);
        Complete("b", 200);
        Complete("a", 200);
        var more = await TakeAsync(feed);

        Assert.Equal([(1, "a")], Metrics(Assert.Single(news)));
        Assert.Equal([(2, "b"), (3, "a")], Metrics(Assert.Single(more)));
    }

    [Fact]
    public async Task Write_CatalogChanges_TellsTheModelsThatThereAre()
    {
        using var feed = Open();
        await TakeAsync(feed);

        _shelf.Ids = ["b", "c"];
        _catalog.Rebuild();

        var models = Assert.Single(await TakeAsync(feed));
        Assert.Equal(["b", "c"], JsonDocument.Parse(models.Data).RootElement.EnumerateArray().Select(static m => m.Text("id")));
    }

    [Fact]
    public async Task Write_CallerMayUseOneModel_IsToldOfThatAlone()
    {
        Complete("a", 200);
        Complete("b", 200);
        Complete("gone", 200);
        using var feed = Open(new Only("b"));

        var events = await TakeAsync(feed);

        Assert.Equal(["b"], JsonDocument.Parse(events.Single(static e => e.Type == "modelStatus").Data).RootElement.EnumerateArray().Select(static m => m.Text("id")));
        Assert.Equal([(2, "b")], Metrics(events.Single(static e => e.Type == "metrics")));
        _pool.Enter("a", ResidentState.Ready);
        Complete("a", 200);
        Assert.Empty(await TakeAsync(feed));
    }

    // The reader was away while the log was flooded: nobody waited for it, it is told the end and how much it missed, and what it is told at once is bounded.
    [Fact]
    public async Task Write_ReaderIsSlow_IsToldWhatItMissed()
    {
        File.WriteAllText(LogFile, "");
        using var feed = Open();
        await TakeAsync(feed);

        File.AppendAllLines(LogFile, Enumerable.Range(1, 2000).Select(static i => $"line {i}"));
        var news = Assert.Single(await TakeAsync(feed));

        var lines = JsonDocument.Parse(news.Data).RootElement.Text("data")!.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["[1488 lines were dropped, because they were not read fast enough]", .. Enumerable.Range(2000 - LineBuffer.Most + 1, LineBuffer.Most).Select(static i => $"line {i}")], lines);

        File.AppendAllLines(LogFile, Enumerable.Range(1, 20).Select(static i => new string('x', 10_000)));
        var pieces = new[] { await TakeAsync(feed), await TakeAsync(feed), await TakeAsync(feed) };
        Assert.Equal([70_000, 70_000, 60_000], pieces.Select(static p => JsonDocument.Parse(Assert.Single(p).Data).RootElement.Text("data")!.Count(static c => c == 'x')));
    }

    // An hour of requests and of nothing, of which nothing is left.
    [Fact]
    public async Task Wait_ForAnHour_WakesForEveryChangeAndLeavesNoTimerBehind()
    {
        var feed = Open();
        await TakeAsync(feed);
        using var over = new CancellationTokenSource();
        for (var minute = 0; minute < 60; minute++)
        {
            var waiting = feed.WaitAsync(over.Token);
            _pool.Enter("a", minute % 2 == 0 ? ResidentState.Ready : ResidentState.Absent);
            await waiting.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.Single(Read(feed));

            var quiet = feed.WaitAsync(over.Token);
            Assert.False(quiet.IsCompleted);
            _time.Advance(TimeSpan.FromMinutes(1));
            await quiet.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
            Assert.Empty(Read(feed));
        }

        feed.Dispose();
        Assert.False(_time.TimerWithinAsync(TimeSpan.FromDays(1), CancellationToken.None).IsCompleted);
        await Gateway.UntilAsync(() => _pool.Waiting == 0);
    }

    private SwapFeed Open(ICaller? caller = null) => new(_catalog, _pool, _log, new RunnerOutputs(), _history, caller, _time);

    private void Complete(string? model, int status) => _history.Completed(new RequestRecord
    {
        Id = "r", Route = "/v1/chat/completions", Model = model, Status = status, Outcome = RequestOutcome.Completed, PromptTokens = 12, CompletionTokens = 34, Total = TimeSpan.FromSeconds(1.5),
    });

    // What it tells next, when the time has passed after which it looks by itself.
    private async Task<IReadOnlyList<SwapEvent>> TakeAsync(SwapFeed feed)
    {
        var waiting = feed.WaitAsync(TestContext.Current.CancellationToken);
        _time.Advance(SwapFeed.Glance);
        await waiting;
        return Read(feed);
    }

    private static List<SwapEvent> Read(SwapFeed feed)
    {
        var output = new ArrayBufferWriter<byte>();
        while (feed.TryWrite(output))
        {
        }

        return
        [
            .. Encoding.UTF8.GetString(output.WrittenSpan).Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(static text =>
            {
                Assert.StartsWith("event:message\ndata:{", text, StringComparison.Ordinal);
                var json = JsonDocument.Parse(text["event:message\ndata:".Length..]).RootElement;
                return new SwapEvent(json.Text("type")!, json.Text("data")!);
            }),
        ];
    }

    private static string? State(SwapEvent models, string model) => JsonDocument.Parse(models.Data).RootElement.EnumerateArray().Single(m => m.Text("id") == model).Text("state");

    private static (int, string?)[] Metrics(SwapEvent metrics)
    {
        Assert.Equal("metrics", metrics.Type);
        return [.. JsonDocument.Parse(metrics.Data).RootElement.EnumerateArray().Select(static m => (m.GetProperty("id").GetInt32(), m.Text("model")))];
    }
}
