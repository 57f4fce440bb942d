using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Inference.Listing;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Inference.Listing;

// What is given again and what is made anew, at a clock that only the test moves.
public sealed class ModelListingTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Machine _machine = new();
    private readonly Pool _pool = new();
    private readonly Shelf _shelf = new();
    private readonly ModelCatalog _catalog;
    private readonly ModelListing _listing;

    public ModelListingTests()
    {
        _catalog = new ModelCatalog([_shelf], new FactsCache(), _time, NullLogger<ModelCatalog>.Instance);
        Assert.True(_catalog.TryAdopt(
            new ModelSettings { Models = new Dictionary<string, ModelOptions>(), Discovery = new DiscoveryOptions(), BaseFolder = "/", KnownKinds = ["demo"], OfferedKinds = ["demo"] },
            new SettingsErrors()));
        _listing = new ModelListing(
            _catalog,
            _pool,
            new KnownNeeds(_machine, _time, NullLogger<KnownNeeds>.Instance),
            new MachineMemory(_machine, _time, NullLogger<MachineMemory>.Instance),
            _time);
    }

    [Fact]
    public async Task List_AskedAgainWithinASecond_GivesTheSameBytesAndReadsNothing()
    {
        var first = await ListAsync();
        _time.Advance(TimeSpan.FromMilliseconds(900));
        var second = await ListAsync();

        Assert.True(first.FileContents.Equals(second.FileContents));
        Assert.Equal((1, 2), (_machine.Readings, _machine.Questions));
    }

    [Fact]
    public async Task List_OtherProgramsTookMemory_SaysSoAfterASecond()
    {
        Assert.Equal("fits", await FitOfAsync("large"));

        _machine.Usable = 5;
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("does_not_fit_now", await FitOfAsync("large"));
    }

    [Fact]
    public async Task List_NothingChangedButARippleOfMemory_KeepsItsTag()
    {
        var first = await ListAsync();
        _time.Advance(TimeSpan.FromSeconds(2));
        _machine.Usable -= 0.02;
        var second = await ListAsync();
        _machine.Usable = 5;
        _time.Advance(TimeSpan.FromSeconds(2));
        var third = await ListAsync();

        Assert.Equal(2, _machine.Readings - 1);
        Assert.Equal(first.EntityTag, second.EntityTag);
        Assert.NotEqual(first.EntityTag, third.EntityTag);
    }

    [Fact]
    public async Task List_AModelBecameReady_SaysSoAtOnce()
    {
        await ListAsync();

        _pool.Holds(new ResidentSnapshot("small", ResidentState.Ready, "demo", 7, 8, 0, 0, _time.GetUtcNow(), ByteSize.FromGigabytes(2)) { Need = new MemoryNeed(ByteSize.FromGigabytes(2), "as configured") });

        Assert.True((await EntryAsync("small")).GetProperty("loaded").GetBoolean());
        Assert.Equal("fits_after_swap", await FitOfAsync("large"));
    }

    [Fact]
    public async Task List_WhileAModelLoads_MovesItsProgressOn()
    {
        _pool.Holds(new ResidentSnapshot("small", ResidentState.Launching, "demo", null, null, 0, 1, _time.GetUtcNow(), ByteSize.FromGigabytes(2)) { LoadTime = TimeSpan.FromSeconds(10) });
        Assert.Equal(0, await ProgressAsync());

        _time.Advance(TimeSpan.FromMilliseconds(500));

        Assert.Equal(0.05, await ProgressAsync());

        async Task<double> ProgressAsync() => (await EntryAsync("small")).GetProperty("status").GetProperty("progress").GetDouble();
    }

    [Fact]
    public async Task List_TheCatalogChanged_AsksOnlyForWhatIsNew()
    {
        await ListAsync();
        _shelf.Models.Add(new ModelSpec { Id = "new", Runner = "demo" });
        _catalog.Rebuild();

        Assert.Equal("fits", await FitOfAsync("new"));
        Assert.Equal(3, _machine.Questions);
    }

    [Fact]
    public async Task List_OneModelCannotBeJudged_TheOthersAre()
    {
        _machine.Unknown = "small";

        Assert.Equal(JsonValueKind.Null, (await EntryAsync("small")).GetProperty("fit").ValueKind);
        Assert.Equal("fits", await FitOfAsync("large"));
    }

    [Fact]
    public async Task List_MemoryCannotBeRead_IsThereAllTheSame()
    {
        _machine.IsBroken = true;

        Assert.Equal(JsonValueKind.Null, (await EntryAsync("large")).GetProperty("fit").ValueKind);
    }

    private async Task<FileContentHttpResult> ListAsync() => Assert.IsType<FileContentHttpResult>(await _listing.ListAsync(caller: null, TestContext.Current.CancellationToken));

    private async Task<JsonElement> EntryAsync(string id) =>
        JsonDocument.Parse((await ListAsync()).FileContents).RootElement.GetProperty("data").EnumerateArray().Single(m => m.GetProperty("id").GetString() == id);

    private async Task<string?> FitOfAsync(string id) => (await EntryAsync(id)).GetProperty("fit").GetProperty("value").GetString();

    private sealed class Shelf : IModelSource
    {
        public List<ModelSpec> Models { get; } = [new() { Id = "large", Runner = "demo" }, new() { Id = "small", Runner = "demo" }];

        public IReadOnlyList<ModelSpec> Read(ModelSettings settings) => [.. Models];
    }

    // 10 GB; "large" needs 9 of them, the others 2.
    private sealed class Machine : IMemoryGauge
    {
        private int _readings;
        private int _questions;

        public int Readings => _readings;

        public int Questions => _questions;

        public double Usable { get; set; } = 10;

        public bool IsBroken { get; set; }

        public string? Unknown { get; set; }

        public MemoryObservation Observe(IReadOnlyCollection<int> runnerPids)
        {
            Interlocked.Increment(ref _readings);
            return IsBroken ? throw new IOException("no meminfo") : new(ByteSize.FromGigabytes(10), ByteSize.FromGigabytes(Usable));
        }

        public IReadOnlyDictionary<int, FootprintReading> FootprintsOf(IReadOnlyCollection<int> runnerPids) => throw new NotSupportedException();

        public ByteSize Available() => throw new NotSupportedException();

        public string Describe() => "";

        public MemoryNeeds NeedsOf(ModelSpec model)
        {
            Interlocked.Increment(ref _questions);
            return model.Id == Unknown ? throw new InvalidOperationException("unknown") : new MemoryNeed(ByteSize.FromGigabytes(model.Id == "large" ? 9 : 2), "as configured");
        }
    }

    private sealed class Pool : IModelPool
    {
        public PoolSnapshot Snapshot { get; private set; } = new([], default, default, false) { MaxResident = 1 };

        public void Holds(ResidentSnapshot resident) => Snapshot = Snapshot with { Models = [resident], Version = Snapshot.Version + 1 };

        public ModelLease? TryAcquire(ModelSpec model) => throw new NotSupportedException();

        public Task<ModelLease> AcquireAsync(ModelSpec model, LeaseTerms terms, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task UnloadAsync(string modelId, CancellationToken cancellationToken) => throw new NotSupportedException();

        public void Reconfigure(ResidencyOptions options, CatalogSnapshot catalog) => throw new NotSupportedException();

        public Task ChangedAsync(long version, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<PoolExplanation> ExplainAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task ShutDownAsync(TimeSpan patience) => throw new NotSupportedException();
    }
}
