using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Mcp.Tools;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>The tools that go out to the Hub, over a Hub that is played, through the official client.</summary>
public sealed class HubToolTests : IAsyncLifetime
{
    private readonly FakeHub _hub = new();
    private readonly FakeDownloads _downloads = new();
    private WebApplication _app = null!;
    private Agent _agent = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore().AddLogging().AddSingleton<CallsInFlight>().AddSingleton<ToolShelf>().AddSingleton<McpEndpoint>()
            .AddSingleton<IToolGroup>(new HubTools(new ModelCatalog([], new FactsCache(), TimeProvider.System, NullLogger<ModelCatalog>.Instance), _hub, _downloads));
        _app = builder.Build();
        _app.MapPost("/mcp", static (HttpContext context, McpEndpoint endpoint) => endpoint.PostAsync(context));
        await _app.StartAsync(TestContext.Current.CancellationToken);
        _agent = await Agent.OverHttpAsync(new Uri(_app.Urls.First()));
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task Search_NamesModelsForMlxFirst()
    {
        _hub.Found = [new("big/gguf", 9000, 9, null, false, "too big"), new("mlx-community/a", 10, 1, ByteSize.FromGigabytes(2), true, "fits"), new("x/b-MLX", 5, 1, null, null, "unknown")];
        var answer = await _agent.AskAsync("search_mlx_models", new { search_query = " qwen ", limit = 2 });

        Assert.Equal(("qwen", 10), _hub.Asked);
        Assert.Equal(["mlx-community/a", "x/b-MLX"], answer.GetProperty("models").EnumerateArray().Select(static m => m.GetProperty("id").GetString()));
        Assert.Equal(2L << 30, answer.GetProperty("models")[0].GetProperty("size_bytes").GetInt64());
        Assert.Equal(JsonValueKind.Null, answer.GetProperty("models")[1].GetProperty("runs_here").ValueKind);
    }

    [Fact]
    public async Task Search_ThatTheHubRefuses_SaysWhatTheHubSays()
    {
        _hub.Failure = new HubException("hub_unreachable", "The Hub cannot be reached. Check the network.");

        Assert.Equal("The Hub cannot be reached. Check the network.", await _agent.RefusedAsync("search_mlx_models", new { search_query = "x" }));
        Assert.Equal("0 is no limit.", await _agent.RefusedAsync("search_mlx_models", new { search_query = "x", limit = 0 }));
        Assert.Equal("search_query is empty.", await _agent.RefusedAsync("search_mlx_models", new { search_query = " " }));
    }

    [Fact]
    public async Task Download_TellsHowFarItIs()
    {
        var progress = new Notes();
        var download = _agent.AskAsync("download_model", new { model_name = "org/m" }, progress);
        _downloads.Say(DownloadState.Preparing, 0, null);
        await HeardAsync(progress, 1);
        _downloads.Say(DownloadState.Running, 100 << 20, 400 << 20);
        await HeardAsync(progress, 2);
        _downloads.Say(DownloadState.Running, 300 << 20, 400 << 20);
        _downloads.Say(DownloadState.Running, 300 << 20, 400 << 20); // nothing new, so nothing is said
        await HeardAsync(progress, 3);
        _downloads.Say(DownloadState.Succeeded, 400 << 20, 400 << 20);

        Assert.Equal("'org/m' is here (400.00 MB). load_model loads it, launch_llm_server gives it a port of its own.", (await download).GetProperty("message").GetString());
        Assert.Equal(["asks the Hub what there is", "100.00 MB of 400.00 MB, 10.00 MB/s, 30 s to go (f)", "300.00 MB of 400.00 MB, 10.00 MB/s, 30 s to go (f)"], progress.Messages.Take(3));
        Assert.Equal([0, 100 << 20, 300 << 20], progress.All.Take(3).Select(static p => (int)p.Progress));
    }

    [Fact]
    public async Task Download_ThatFails_SaysWhy()
    {
        var download = _agent.RefusedAsync("download_model", new { model_name = "org/m" });
        _downloads.Say(DownloadState.Failed, 0, null, "The disk is full.");

        Assert.Equal("The disk is full.", await download);
    }

    [Fact]
    public async Task Download_WhoseCallIsCalledOff_GoesOn()
    {
        using var enough = new CancellationTokenSource();
        var progress = new Notes();
        var download = _agent.CallAsync("download_model", new { model_name = "org/m" }, progress, enough.Token);
        _downloads.Say(DownloadState.Preparing, 0, null);
        await HeardAsync(progress, 1);
        await enough.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => download);
        await Support.Gateway.UntilAsync(() => _downloads.Watchers == 0);
        Assert.False(_downloads.WasCancelled);
    }

    // The client hears nothing of a call's progress any more once it has its answer.
    private static Task HeardAsync(Notes progress, int count) => Support.Gateway.UntilAsync(() => progress.All.Count >= count);

    private sealed class FakeHub : IModelHub
    {
        public IReadOnlyList<HubModel> Found { get; set; } = [];

        public HubException? Failure { get; set; }

        public (string Text, int Limit) Asked { get; private set; }

        public Task<IReadOnlyList<HubModel>> SearchAsync(string text, int limit, CancellationToken cancellationToken)
        {
            Asked = (text, limit);
            return Failure is null ? Task.FromResult(Found) : Task.FromException<IReadOnlyList<HubModel>>(Failure);
        }
    }

    private sealed class FakeDownloads : IModelDownloads
    {
        private readonly Channel<DownloadStatus> _news = Channel.CreateUnbounded<DownloadStatus>();
        private int _watchers;

        public int Watchers => Volatile.Read(ref _watchers);

        public bool WasCancelled { get; private set; }

        public DownloadStatus? LastOf(string id) => null;

        public IReadOnlyList<DownloadStatus> Current => [];

        public void Say(DownloadState state, long done, long? total, string? error = null)
        {
            var status = Status(state) with { Done = new ByteSize(done), Total = total is { } all ? new ByteSize(all) : null, Error = error, BytesPerSecond = 10 << 20, Remaining = TimeSpan.FromSeconds(30), File = "f" };
            _news.Writer.TryWrite(status);
            if (status.IsOver)
            {
                _news.Writer.Complete();
            }
        }

        public DownloadStatus Start(string id) => Status(DownloadState.Waiting) with { Id = id };

        public async IAsyncEnumerable<DownloadStatus> WatchAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _watchers);
            try
            {
                await foreach (var status in _news.Reader.ReadAllAsync(cancellationToken))
                {
                    yield return status;
                }
            }
            finally
            {
                Interlocked.Decrement(ref _watchers);
            }
        }

        public bool Cancel(string id) => WasCancelled = true;

        private static DownloadStatus Status(DownloadState state) => new("org/m", state, ByteSize.Zero, null, null, null, null, null, DateTimeOffset.UnixEpoch);
    }
}
