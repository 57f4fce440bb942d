using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Inference;
using MlxGateway.Inference.Downloading;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests;
using MlxGateway.Tests.DemoRunner;
using Xunit;

namespace MlxGateway.Tests.Inference.Downloading;

/// <summary>Requests for models that are on their way to the disk, over downloads that the test plays.</summary>
public sealed class AbsentModelsTests : IDisposable
{
    private static readonly GatewayError Absence = new(404, "model_not_found", "It is not known.");
    private readonly ManualTimeProvider _time = new();
    private readonly Downloads _downloads = new();
    private readonly Lifetime _lifetime = new();
    private readonly Shelf _shelf = new();
    private ModelCatalog? _catalog;

    public void Dispose() => _lifetime.Dispose();

    [Fact]
    public async Task Fetch_ClientDoesNotStream_IsToldHowFarItIsAndTheDownloadGoesOn()
    {
        using var exchange = await ExchangeAsync("org/name");
        var fetching = Absent().FetchAsync(exchange, "org/name", Absence);
        _downloads.Say(Running(43));
        await _downloads.HeardAsync();

        _time.Advance(TimeSpan.FromSeconds(90));

        var error = (await fetching.WaitAsync(Demo.Patience()))!;
        Assert.Equal((503, "model_loading", 60), (error.Status, error.Code, error.RetryAfterSeconds));
        Assert.Equal("Model 'org/name' is not here yet after 90 s: downloading org/name 43 % of 2.00 GB, 12.00 MB/s, eta 95 s. The download goes on; send the request again.", error.Message);
        Assert.Equal(("downloading", 43), (error.Loading!.State, error.Loading.Percent));
        Assert.Equal(["start org/name"], _downloads.Log);
    }

    [Fact]
    public async Task Fetch_ClientLeaves_LeavesTheDownloadAlone()
    {
        using var exchange = await ExchangeAsync("org/name");
        var fetching = Absent().FetchAsync(exchange, "org/name", Absence);

        exchange.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetching.WaitAsync(Demo.Patience()));
        Assert.Equal(["start org/name"], _downloads.Log);
    }

    [Fact]
    public async Task Fetch_GatewayStops_HoldsNobodyUp()
    {
        using var exchange = await ExchangeAsync("org/name", "\"stream\":true,");
        await using var response = exchange.Response;
        var fetching = Absent().FetchAsync(exchange, "org/name", Absence);

        _lifetime.StopApplication();

        Assert.Equal((503, "shutting_down"), ((await fetching.WaitAsync(Demo.Patience()))!.Status, (await fetching)!.Code));
    }

    [Fact]
    public async Task Fetch_IsHere_SaysWhatItIsCalledAndHowLongThatTook()
    {
        using var exchange = await ExchangeAsync("org/name:Q4_K_M");
        var fetching = Absent().FetchAsync(exchange, "org/name:Q4_K_M", Absence);
        _time.Advance(TimeSpan.FromSeconds(7));

        _downloads.Say(Running(100) with { State = DownloadState.Succeeded, Model = "org/name" });

        Assert.Null(await fetching.WaitAsync(Demo.Patience()));
        Assert.Equal(("org/name", 7), (exchange.FetchedAs, Math.Round(exchange.Fetching.TotalSeconds)));
    }

    [Fact]
    public async Task Fetch_TwoModelsOfOneRepository_IsServedByTheOneThatWasAskedFor()
    {
        var absent = Absent();
        _shelf.Models = [new ModelSpec { Id = "first", Runner = "mlx_lm" }, new ModelSpec { Id = "second", Runner = "mlx_lm" }];
        Assert.True(_catalog!.Rebuild().Models.Count >= 2);
        using var exchange = await ExchangeAsync("second");
        var fetching = absent.FetchAsync(exchange, "second", Absence);

        _downloads.Say(Running(100) with { State = DownloadState.Succeeded, Model = "first" });

        Assert.Null(await fetching.WaitAsync(Demo.Patience()));
        Assert.Equal("second", exchange.FetchedAs);
    }

    [Fact]
    public async Task Fetch_FailedAMomentAgo_IsNotTriedAgainForAWhile()
    {
        _downloads.Past.Add(Running(0) with { State = DownloadState.Failed, Code = "hub_not_found", Error = "There is none.", Started = _time.GetUtcNow() });
        using var exchange = await ExchangeAsync("org/name");

        var error = (await Absent().FetchAsync(exchange, "org/name", Absence))!;
        Assert.Equal((404, "hub_not_found", "'org/name' could not be fetched: There is none."), (error.Status, error.Code, error.Message));
        Assert.Empty(_downloads.Log);

        _time.Advance(TimeSpan.FromSeconds(31));
        var again = Absent().FetchAsync(exchange, "org/name", Absence);
        _downloads.Say(Running(1) with { State = DownloadState.Cancelled });
        Assert.Equal((499, "download_cancelled"), ((await again.WaitAsync(Demo.Patience()))!.Status, (await again)!.Code));
        Assert.Equal(["start org/name"], _downloads.Log);
    }

    [Fact]
    public async Task Fetch_NameIsNoneOfTheHubs_IsToldWhatItWouldBeToldAnyway()
    {
        using var exchange = await ExchangeAsync("a/b/c/d");

        Assert.Same(Absence, await Absent().FetchAsync(exchange, "a/b/c/d", Absence));
    }

    [Theory]
    [InlineData("org/name:Q4_K_M", "org/name", "/m/a-Q4_K_M.gguf")]
    [InlineData("org/name:q8_0", "org/name/a-Q8_0", "/m/a-Q8_0-00001-of-00002.gguf")]
    public async Task Fetch_PartThatIsHereUnderAnotherName_IsServedWithoutAskingTheHub(string name, string id, string path)
    {
        _shelf.Models = [new ModelSpec { Id = id, Runner = "llama_server", Path = path }];
        using var exchange = await ExchangeAsync(name);

        Assert.Null(await Absent().FetchAsync(exchange, name, Absence));
        Assert.Equal(id, exchange.FetchedAs);
        Assert.Empty(_downloads.Log);
    }

    [Theory]
    [InlineData("org/name", true)]
    [InlineData("org/other", false)]
    [InlineData("name", false)]
    [InlineData(null, false)]
    [InlineData("allowed", true)]
    [InlineData("forbidden", false)]
    [InlineData("here", false)]
    public void MayFetch_SomeKeys_FetchWhatTheyAreGoodForOnly(string? name, bool may)
    {
        _shelf.Models =
        [
            new ModelSpec { Id = "allowed", Runner = "mlx_lm", Missing = "Files.", Download = true },
            new ModelSpec { Id = "forbidden", Runner = "mlx_lm", Missing = "Files." },
            new ModelSpec { Id = "here", Runner = "mlx_lm", Download = true },
        ];

        Assert.Equal(may, Absent().MayFetch(name, new Key("org/name", "allowed", "forbidden", "here")));
        Assert.Equal(may || name == "org/other", Absent().MayFetch(name, null));
    }

    [Fact]
    public void MayFetch_ConfigurationDoesNotSaySo_FetchesNothing() => Assert.False(Absent(download: false).MayFetch("org/name", null));

    private static DownloadStatus Running(int percent) => new(
        "org/name", DownloadState.Running, new ByteSize((2L << 30) * percent / 100 + 1), ByteSize.FromGigabytes(2), 12 << 20, TimeSpan.FromSeconds(94.2), "model.safetensors", null, default);

    private AbsentModels Absent(bool download = true)
    {
        var catalog = _catalog = new ModelCatalog([_shelf], new FactsCache(), _time, NullLogger<ModelCatalog>.Instance);
        Assert.True(catalog.TryAdopt(new ModelSettings { BaseFolder = "/", Discovery = new DiscoveryOptions { Download = download }, KnownKinds = [], OfferedKinds = [], Models = new Dictionary<string, ModelOptions>() }, new SettingsErrors()));
        return new AbsentModels(_downloads, catalog, new InferenceSettings(new LimitOptions(), new StreamOptions()), _lifetime, _time);
    }

    private async Task<InferenceExchange> ExchangeAsync(string model, string members = "")
    {
        var client = new ClientExchange();
        return new InferenceExchange(client.Context, InferenceRoute.ChatCompletions, new ClientResponse(client.Context, InferenceRoute.ChatCompletions, new StreamOptions(), _time), new RequestRecord { Id = "req_1", Route = "/" }, 0)
        {
            Request = await ClientExchange.RequestAsync($$"""{"model":"{{model}}",{{members}}"messages":[]}"""),
        };
    }

    private sealed class Key(params string[] models) : ICaller
    {
        public string Name => "key";

        public bool MaySteer => false;

        public bool MayUse(ModelSpec model) => models.Contains(model.Id);
    }

    private sealed class Shelf : IModelSource
    {
        public IReadOnlyList<ModelSpec> Models { get; set; } = [];

        public IReadOnlyList<ModelSpec> Read(ModelSettings settings) => Models;
    }

    private sealed class Lifetime : IHostApplicationLifetime, IDisposable
    {
        private readonly CancellationTokenSource _stopping = new();

        public CancellationToken ApplicationStarted => default;

        public CancellationToken ApplicationStopping => _stopping.Token;

        public CancellationToken ApplicationStopped => default;

        public void StopApplication() => _stopping.Cancel();

        public void Dispose() => _stopping.Dispose();
    }

    private sealed class Downloads : IModelDownloads
    {
        private readonly Channel<DownloadStatus> _said = Channel.CreateUnbounded<DownloadStatus>();
        private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<string> Log { get; } = [];

        public List<DownloadStatus> Past { get; } = [];

        public DownloadStatus? LastOf(string id) => Past.Find(past => past.Id == id);

        public IReadOnlyList<DownloadStatus> Current => Past;

        public void Say(DownloadStatus status) => _said.Writer.TryWrite(status);

        public Task HeardAsync() => _heard.Task.WaitAsync(Demo.Patience());

        public DownloadStatus Start(string id)
        {
            if (id.Count(c => c == '/') > 1)
            {
                return Running(0) with { Id = id, State = DownloadState.Failed, Code = "invalid_request" };
            }

            Log.Add($"start {id}");
            return Running(0) with { Id = id, State = DownloadState.Waiting };
        }

        public async IAsyncEnumerable<DownloadStatus> WatchAsync(string id, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await foreach (var status in _said.Reader.ReadAllAsync(cancellationToken))
            {
                yield return status;
                _heard.TrySetResult();
                if (status.IsOver)
                {
                    yield break;
                }
            }
        }

        public bool Cancel(string id)
        {
            Log.Add($"cancel {id}");
            return true;
        }
    }
}
