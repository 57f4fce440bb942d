using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>What stays the same, and what is told, when the catalog is rebuilt.</summary>
public sealed class CatalogFollowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Lines _lines = new();
    private readonly ModelCatalog _catalog;
    private readonly Demonstration _demonstration = new();

    public CatalogFollowsTests() => _catalog = new ServiceCollection()
        .AddLogging(logging => logging.AddProvider(_lines))
        .AddSingleton<IModelSource>(_demonstration)
        .AddModels()
        .BuildServiceProvider()
        .GetRequiredService<ModelCatalog>();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rebuild_ModelThatDidNotChange_StaysTheSameObject()
    {
        _folder.Write("models/stays.gguf", TinyModels.Gguf());
        _folder.Write("models/changes.gguf", TinyModels.Gguf());
        _folder.RepositoryOf("mlx-community/gemma-3-4b-it-4bit", [("gemma.gguf", TinyModels.Gguf())]); // which is given an alias
        Adopt(_folder.Settings(new() { ["configured"] = new() { Runner = "demo", Args = ["a"] } }, folders: ["models"]));
        var before = _catalog.Current;
        Assert.Same(before, _catalog.Rebuild());

        _folder.Write("models/changes.gguf", TinyModels.Gguf("qwen3"));
        _folder.Write("models/new.gguf", TinyModels.Gguf());
        _catalog.Rebuild();

        Assert.Equal("qwen3", _catalog.Current.Resolve("changes")!.Facts!.Architecture);
        foreach (var id in new[] { "stays", "configured", "gemma" })
        {
            Assert.Same(before.Resolve(id), _catalog.Current.Resolve(id));
        }
    }

    [Fact]
    public void Rebuild_ModelsThatCameWentAndChanged_AreToldByNameButNotAllOfAThousand()
    {
        _folder.Write("models/old.gguf", TinyModels.Gguf());
        _folder.Write("models/half.gguf", TinyModels.Gguf()[..^9]);
        Adopt(_folder.Settings(folders: ["models"]));
        Assert.DoesNotContain(_lines.All, line => line.Contains("came", StringComparison.Ordinal));

        File.Delete(_folder.In("models/old.gguf"));
        _folder.Write("models/half.gguf", TinyModels.Gguf());
        for (var i = 0; i < 20; i++)
        {
            _folder.Write($"models/many-{i:00}.gguf", TinyModels.Gguf());
        }

        _catalog.Rebuild();

        Assert.Contains("These models came: many-00, many-01, many-02, many-03, many-04, many-05, many-06, many-07 and 12 more.", _lines.All);
        Assert.Contains("These models went: old.", _lines.All);
        Assert.Contains("These models are not what they were: half.", _lines.All);
        var told = _lines.All.Count;
        _catalog.Rebuild();
        Assert.Equal(told, _lines.All.Count);
    }

    [Fact]
    public void Demonstration_IsThereUntilARealModelCanBeLaunchedAndDoesNotComeBack()
    {
        _folder.Write("models/other.gguf", TinyModels.Gguf());
        var settings = _folder.Settings(folders: ["models"], offered: ["llama_server", "mlx_lm"]) with { LaunchableKinds = ["mlx_lm", "demo"] };
        Adopt(settings);
        Assert.NotNull(_catalog.Current.Resolve("demo-small")); // nobody could launch the other

        var repository = _folder.RepositoryOf("org/mlx", TinyModels.Mlx());
        _catalog.Rebuild();
        Assert.Null(_catalog.Current.Resolve("demo-small"));
        Assert.NotNull(_catalog.Current.Resolve("org/mlx"));

        Directory.Delete(repository, recursive: true);
        _catalog.Rebuild();
        Assert.Equal(["other"], _catalog.Current.Models.Select(model => model.Id));
    }

    [Fact]
    public void LaunchesLike_WhatIsKnownOfItChanged_IsTheSameLaunch()
    {
        var model = new ModelSpec { Id = "x", Runner = "llama_server", Path = "/x.gguf", FileBytes = new ByteSize(10) };

        Assert.True((model with { Facts = new() { HasChatTemplate = true }, Aliases = ["y"], Modalities = ["text", "image"] }).LaunchesLike(model));
        Assert.False((model with { FileBytes = new ByteSize(11) }).LaunchesLike(model));
        Assert.False((model with { Args = ["-c"] }).LaunchesLike(model));
        Assert.False((model with { Facts = new() { Use = MlxGateway.Supervision.Models.Facts.ModelUse.Embedding } }).LaunchesLike(model));
    }

    private void Adopt(ModelSettings settings)
    {
        var errors = new SettingsErrors();
        Assert.True(_catalog.TryAdopt(settings, errors), string.Join('\n', errors.All));
    }

    private sealed class Demonstration : IModelSource
    {
        public IReadOnlyList<ModelSpec> Read(ModelSettings settings) => [new() { Id = "demo-small", Runner = "demo", Origin = ModelOrigin.Demonstration }];
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public List<string> All { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => All.Add(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
