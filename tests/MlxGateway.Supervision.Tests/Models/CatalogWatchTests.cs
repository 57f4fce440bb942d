using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class CatalogWatchTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ModelCatalog _catalog;
    private readonly CatalogWatch _watch;

    public CatalogWatchTests()
    {
        _catalog = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(_time).AddModels().BuildServiceProvider().GetRequiredService<ModelCatalog>();
        _watch = new CatalogWatch(_catalog, _time, NullLogger<CatalogWatch>.Instance);
    }

    public void Dispose()
    {
        _watch.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Look_FolderThatIsNotThereAtFirst_IsFollowed()
    {
        await StartAsync();
        Assert.Empty(_catalog.Current.Models);

        _folder.Write("models/deep/x.gguf", TinyModels.Gguf());
        Pass();
        Assert.Equal(["x"], Ids());

        _folder.Write("home/.ollama/models/manifests/registry.ollama.ai/library/x/latest", "{}");
        _folder.RepositoryOf("org/hub", [("y.gguf", TinyModels.Gguf())]);
        Pass();
        Assert.Equal(["org/hub", "x"], Ids());

        Directory.Delete(_folder.In("models"), recursive: true);
        Pass();
        Assert.Equal(["org/hub"], Ids());
    }

    [Fact]
    public async Task Look_FileThatGrowsUntilItIsWhole_IsIncompleteAndThenNot()
    {
        var whole = TinyModels.Gguf();
        _folder.Write("models/x.gguf", whole[..^20]);
        await StartAsync();
        Assert.NotNull(Assert.Single(_catalog.Current.Models).Missing);

        File.WriteAllBytes(_folder.In("models/x.gguf"), whole);
        Pass();

        Assert.Null(Assert.Single(_catalog.Current.Models).Missing);
    }

    [Fact]
    public async Task Look_NewRevisionInTheCache_IsFollowed()
    {
        var repository = _folder.RepositoryOf("org/x", [("x.gguf", TinyModels.Gguf())]);
        await StartAsync();
        _folder.Write(Path.GetRelativePath(_folder.Path, Path.Combine(repository, "snapshots/beef/x.gguf")), TinyModels.Gguf("qwen3"));
        Pass();
        Assert.Equal("llama", Assert.Single(_catalog.Current.Models).Facts?.Architecture);

        File.WriteAllText(Path.Combine(repository, "refs/main"), "beef");
        Pass();

        Assert.Equal("qwen3", Assert.Single(_catalog.Current.Models).Facts?.Architecture);
    }

    [Fact(Timeout = 60_000)]
    public async Task Hint_OfTheSystem_IsFollowedWithoutWaitingForTheNextLook()
    {
        Directory.CreateDirectory(_folder.In("models/sub"));
        await StartAsync();

        _folder.Write("models/sub/x.gguf", TinyModels.Gguf());
        await _time.TimerWithinAsync(CatalogWatch.Settling, TestContext.Current.CancellationToken);
        _time.Advance(CatalogWatch.Settling);

        Assert.Equal(["x"], Ids());
    }

    [Fact]
    public async Task Look_NothingChanged_LeavesTheCatalogAlone()
    {
        _folder.Write("models/x.gguf", TinyModels.Gguf());
        await StartAsync();
        var before = _catalog.Current;

        Pass();
        Pass();

        Assert.Same(before, _catalog.Current);
    }

    [Fact]
    public async Task Stop_Watch_LooksNoMore()
    {
        await StartAsync();
        await _watch.StopAsync(TestContext.Current.CancellationToken);

        _folder.Write("models/x.gguf", TinyModels.Gguf());
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Empty(_catalog.Current.Models);
    }

    [Fact]
    public void Survey_MoreThanOneLookTakesIn_FindsAChangeInTurn()
    {
        for (var i = 0; i < 1000; i++)
        {
            File.SetLastWriteTimeUtc(_folder.Write($"models/{i:0000}.gguf", 1), new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddSeconds(i));
        }

        var survey = DiskSurvey.Of(ModelPlaces.Of(_folder.Settings(folders: ["models"])));
        Assert.InRange(Enumerable.Range(0, 100).Count(_ => survey.HasChanged()), 0, 0);
        File.WriteAllBytes(_folder.In("models/0003.gguf"), new byte[2]); // the folder itself does not show it

        Assert.Contains(Enumerable.Range(0, 9), _ => survey.HasChanged());
    }

    [Fact]
    public void Hints_FolderThatIsGone_AreNoneAndNobodyFails()
    {
        using var hints = new FolderHints(() => { });

        hints.Watch([_folder.In("nowhere"), _folder.Path, _folder.In("below")]);
        Assert.Equal(1, hints.Count); // what lies below is watched with what it lies in

        hints.Watch([]);
        Assert.Equal(0, hints.Count);
    }

    private async Task StartAsync()
    {
        var errors = new SettingsErrors();
        Assert.True(_catalog.TryAdopt(_folder.Settings(folders: ["models"]), errors), string.Join('\n', errors.All));
        await _watch.StartAsync(TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.Zero);
    }

    private void Pass() => _time.Advance(CatalogWatch.Interval);

    private IEnumerable<string> Ids() => _catalog.Current.Models.Select(model => model.Id);
}
