using Microsoft.Extensions.DependencyInjection;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class ModelCatalogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SettableTime _time = new();
    private readonly ModelCatalog _catalog;

    public ModelCatalogTests() => _catalog = new ServiceCollection().AddLogging().AddSingleton<TimeProvider>(_time).AddSingleton(TemporaryFolder.Lenient).AddModels().BuildServiceProvider().GetRequiredService<ModelCatalog>();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TryAdopt_ConfiguredModel_BecomesASpecWithItsPathsResolved()
    {
        var file = _folder.Write("m/x.gguf", 100);
        Adopt(_folder.Settings(new()
        {
            ["x"] = new()
            {
                Source = "m", Runner = "llama_server", Aliases = ["y", "y", "x"], Memory = ByteSize.FromGigabytes(1), Args = ["-c", "10"], Env = { ["A"] = "${B}" },
                WorkingDirectory = "~", UpstreamModel = "up", MaxConcurrency = 2, IdleTimeout = TimeSpan.Zero, Pinned = true,
            },
        }));

        Assert.Equal(
            new ModelSpec
            {
                Id = "x", Source = "m", Path = file, Runner = "llama_server", Aliases = ["y"], Memory = ByteSize.FromGigabytes(1), FileBytes = new ByteSize(100), Args = ["-c", "10"],
                Env = new ValueMap([new("A", "${B}")]), WorkingDirectory = _folder.Home, UpstreamModel = "up", MaxConcurrency = 2, IdleTimeout = TimeSpan.Zero, Pinned = true,
            },
            Assert.Single(_catalog.Current.Models));
    }

    [Theory]
    [InlineData("{path}", true)]
    [InlineData("{source}", false)]
    public void TryAdopt_CommandWhoseModelIsNotHere_LacksItOnlyIfItIsToldWhereItIs(string argument, bool lacks)
    {
        Adopt(_folder.Settings(new() { ["x"] = new() { Source = "org/absent", Command = ["serve", "{port}", argument] } }));

        Assert.Equal(lacks, _catalog.Current.Resolve("x")!.Missing is not null);
    }

    [Fact]
    public void TryAdopt_Mistake_LeavesTheOldModelsInForce()
    {
        Adopt(_folder.Settings(new() { ["old"] = new() { Runner = "demo" } }));
        var before = _catalog.Current;
        var errors = new SettingsErrors();

        Assert.False(_catalog.TryAdopt(_folder.Settings(new() { ["new"] = new() { Runner = "nonsense" } }, defaultModel: "old"), errors));

        Assert.Equal(2, errors.All.Count);
        Assert.Same(before, _catalog.Current);
        Assert.Equal(["old"], _catalog.Rebuild().Models.Select(model => model.Id));
    }

    [Fact]
    public void TryAdopt_MistakeFoundElsewhereBefore_LeavesTheOldModelsInForce()
    {
        var errors = new SettingsErrors();
        errors.Add("MlxGateway:Memory:Reserve", "is wrong.");

        Assert.False(_catalog.TryAdopt(_folder.Settings(new() { ["new"] = new() { Runner = "demo" } }), errors));
        Assert.Empty(_catalog.Current.Models);
    }

    [Fact]
    public void TryAdopt_DefaultThatNamesNothing_SaysWhatIsNear()
    {
        var errors = new SettingsErrors();

        _catalog.TryAdopt(_folder.Settings(new() { ["coder"] = new() { Runner = "demo" } }, defaultModel: "codr"), errors);

        Assert.Equal("MlxGateway:DefaultModel: \"codr\" names no model; did you mean \"coder\"?", Assert.Single(errors.All).ToString());
    }

    [Fact]
    public void TryAdopt_DefaultThatNamesADiscoveredModel_IsIt()
    {
        _folder.Write("models/found.gguf", 10);
        Adopt(_folder.Settings(defaultModel: "found", folders: ["models"]));

        Assert.Equal("found", _catalog.Current.Default?.Id);
    }

    [Fact]
    public void TryAdopt_FoldersWithFilesOfOneName_TellsThemApartByTheirFolders()
    {
        _folder.Write("models/a/x/same.gguf", 10);
        _folder.Write("models/b/x/same.gguf", 10);
        _folder.Write("models/b/other-00001-of-00002.gguf", 10);
        _folder.Write("models/b/other-00002-of-00002.gguf", 5);
        _folder.Write("models/mmproj-x.gguf", 10);
        _folder.Write("models/readme.md", 10);
        Adopt(_folder.Settings(folders: ["models", "models/b"]));

        Assert.Equal(["a/x/same", "b/x/same", "other"], _catalog.Current.Models.Select(model => model.Id));
        Assert.Equal(new ByteSize(15), _catalog.Current.Resolve("other")!.FileBytes);
        Assert.All(_catalog.Current.Models, model => Assert.Equal(ModelOrigin.Discovered, model.Origin));
    }

    [Fact]
    public void TryAdopt_Cache_ListsWhatCanBeServed()
    {
        _folder.Repository("org/one", ("one-Q4.gguf", 10), ("mmproj.gguf", 1));
        _folder.Repository("org/two", ("two-Q4.gguf", 10), ("two-Q8.gguf", 20));
        _folder.Repository("org/mlx", ("config.json", 1), ("model.safetensors", 10));
        _folder.Repository("org/dataset-like", ("readme.md", 1));
        Directory.CreateDirectory(Path.Combine(_folder.Cache, "models--org--half"));

        Adopt(_folder.Settings());
        Assert.Equal(["org/one", "org/two/two-Q4", "org/two/two-Q8"], _catalog.Current.Models.Select(model => model.Id));

        // ... and more once there is somebody to serve it.
        Adopt(_folder.Settings(offered: ["llama_server", "mlx_lm"]));
        Assert.Equal("mlx_lm", _catalog.Current.Resolve("org/mlx")?.Runner);
    }

    [Fact]
    public void TryAdopt_ConfiguredNameThatIsAlsoFound_IsTheConfiguredOne()
    {
        _folder.Repository("org/one", ("one.gguf", 10));
        _folder.Write("models/mine.gguf", 10);
        Adopt(_folder.Settings(new() { ["mine"] = new() { Runner = "demo", Aliases = ["org/one"] } }, folders: ["models"]));

        var only = Assert.Single(_catalog.Current.Models);
        Assert.Equal((ModelOrigin.Configured, "demo"), (only.Origin, only.Runner));
        Assert.Same(only, _catalog.Current.Resolve("org/one"));
    }

    [Fact]
    public void TryAdopt_BuiltInAlias_HoldsIfItsRepositoryIsKnownAndNobodyElseHasTheName()
    {
        var gemma = new ModelOptions { Source = "mlx-community/gemma-3-4b-it-4bit" };
        Adopt(_folder.Settings(new() { ["vision"] = gemma }));
        Assert.Equal("vision", _catalog.Current.Resolve("gemma")?.Id);
        Assert.Null(_catalog.Current.Resolve("qwen"));

        Adopt(_folder.Settings(new() { ["vision"] = gemma, ["other"] = new() { Runner = "demo", Aliases = ["Gemma"] } }));
        Assert.Equal("other", _catalog.Current.Resolve("gemma")?.Id);
    }

    [Fact]
    public void Rebuild_FilesThatCameAndWent_ShowsWhatIsThereAndRemembersWhenItWasFirstSeen()
    {
        Adopt(_folder.Settings(folders: ["models"]));
        Assert.Empty(_catalog.Current.Models);
        var file = _folder.Write("models/x.gguf", 10);
        var first = _time.Now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var held = _catalog.Rebuild();

        _time.Now += TimeSpan.FromDays(1);
        File.Delete(file);
        Assert.Empty(_catalog.Rebuild().Models);
        Assert.Single(held.Models); // whoever holds a snapshot keeps it
        _folder.Write("models/x.gguf", 20);

        Assert.Equal(first, _catalog.Rebuild().FirstSeen("x"));
        Assert.Equal(first, _catalog.Rebuild().FirstSeen("x"));
        Assert.Null(_catalog.Current.FirstSeen("y"));
    }

    [Fact]
    public async Task Current_ReadWhileReplaced_IsAlwaysOfOnePiece()
    {
        var sets = new[] { "a", "b" }.Select(set => _folder.Settings(Enumerable.Range(0, 20).ToDictionary(i => $"{set}{i}", _ => new ModelOptions { Runner = "demo" }), defaultModel: set + "7")).ToArray();
        Adopt(sets[0]);
        using var over = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            do
            {
                var held = _catalog.Current;
                Assert.Single(held.Models.Append(held.Default!).Select(model => model.Id[0]).Distinct());
            }
            while (!over.IsCancellationRequested);
        })).ToList();

        await Task.WhenAll(sets.Select(set => Task.Run(() =>
        {
            for (var i = 0; i < 30; i++)
            {
                Adopt(set);
                _catalog.Rebuild();
            }
        })));
        await over.CancelAsync();
        await Task.WhenAll(readers);
    }

    private void Adopt(ModelSettings settings)
    {
        var errors = new SettingsErrors();
        Assert.True(_catalog.TryAdopt(settings, errors), string.Join('\n', errors.All));
    }

    private sealed class SettableTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
