using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>What is taken off the disk, and above all what is not.</summary>
public sealed class ModelRemoverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly int _size = TinyModels.Gguf().Length;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Remove_RepositoryOfTheCache_IsGoneWithItsBlobsAndNothingElseIs()
    {
        var folder = _folder.RepositoryOf("org/one", [("one.gguf", TinyModels.Gguf())]);
        var other = _folder.RepositoryOf("org/two", [("two.gguf", TinyModels.Gguf())]);
        var (catalog, remover) = Look();
        var model = catalog.Current.Find("org/one")!;

        Assert.Equal(ModelKeeper.HuggingFaceCache, remover.KeeperOf(model));
        var removal = remover.Remove(model);

        Assert.Null(removal.Refused);
        Assert.InRange(removal.Freed.Bytes, _size, _size + 100); // the name of the revision counts too
        Assert.False(Directory.Exists(folder));
        Assert.True(Directory.Exists(other));
        Assert.Equal(["org/two"], catalog.Current.Models.Select(m => m.Id));
    }

    [Fact]
    public void Remove_OneOfSeveralFilesOfARepository_LeavesTheOthersAndWhatTheyShare()
    {
        var folder = _folder.RepositoryOf("org/many", [("one.gguf", TinyModels.Gguf()), ("two.gguf", TinyModels.Gguf())]);
        var snapshot = Path.Combine(folder, "snapshots", "c0ffee");
        var shared = Directory.CreateDirectory(Path.Combine(folder, "snapshots", "0lder")).FullName;
        File.CreateSymbolicLink(Path.Combine(shared, "two.gguf"), new FileInfo(Path.Combine(snapshot, "two.gguf")).LinkTarget!);
        var (catalog, remover) = Look();

        Assert.Equal(_size, remover.Remove(catalog.Current.Find("org/many/one")!).Freed.Bytes);
        Assert.Equal([Path.Combine(snapshot, "two.gguf")], Directory.GetFiles(snapshot));
        Assert.Single(Directory.GetFiles(Path.Combine(folder, "blobs")));

        // An older revision has the same file.
        var last = catalog.Current.Models.Single();
        Assert.Equal("org/many", last.Id);
        File.WriteAllBytes(Path.Combine(snapshot, "three.gguf"), TinyModels.Gguf());
        catalog.Rebuild();
        Assert.Equal(0, remover.Remove(catalog.Current.Find("org/many/two")!).Freed.Bytes);
        Assert.True(File.Exists(Path.Combine(shared, "two.gguf")));
    }

    [Fact]
    public void Remove_FileOfAFolder_GoesWithItsSeriesItsProjectorAndItsEmptyFolder()
    {
        var part = new GgufParts("models/mine/seen");
        part.Write(_folder);
        _folder.Write("models/mine/mmproj-seen.gguf", TinyModels.Gguf("clip"));
        _folder.Write("models/other.gguf", TinyModels.Gguf());
        var (catalog, remover) = Look(folders: ["models"]);
        var model = catalog.Current.Models.Single(m => m.Id.StartsWith("seen", StringComparison.Ordinal));

        Assert.Equal(ModelKeeper.Folder, remover.KeeperOf(model));
        var removal = remover.Remove(model);

        Assert.Null(removal.Refused);
        Assert.False(Directory.Exists(_folder.In("models/mine")));
        Assert.Equal(["other"], catalog.Current.Models.Select(m => m.Id));
    }

    [Fact]
    public void Remove_FolderInMlxForm_GoesWholeAndItsLinksAreNotFollowed()
    {
        var precious = _folder.Write("outside/precious.txt", 100);
        foreach (var (name, bytes) in TinyModels.Mlx())
        {
            _folder.Write($"models/one/{name}", bytes);
        }

        File.CreateSymbolicLink(_folder.In("models/one/link.txt"), precious);
        Directory.CreateSymbolicLink(_folder.In("models/one/linked"), _folder.In("outside"));
        var (catalog, remover) = Look(folders: ["models"], offered: ["mlx_lm", "llama_server"]);

        var removal = remover.Remove(catalog.Current.Find("one")!);

        Assert.Null(removal.Refused);
        Assert.False(Directory.Exists(_folder.In("models/one")));
        Assert.True(File.Exists(precious));
        Assert.InRange(removal.Freed.Bytes, 1, 10_000);
    }

    // What a link in a folder leads to lies somewhere else, and stays there.
    [Fact]
    public void Remove_ModelReachedThroughALink_LosesTheLinkAtMost()
    {
        var elsewhere = _folder.Write("elsewhere/big.gguf", TinyModels.Gguf());
        Directory.CreateDirectory(_folder.In("models"));
        Directory.CreateSymbolicLink(_folder.In("models/linked"), _folder.In("elsewhere"));
        File.CreateSymbolicLink(_folder.In("models/small.gguf"), _folder.Write("third/small.gguf", TinyModels.Gguf()));
        var (catalog, remover) = Look(folders: ["models"]);

        var folder = remover.Remove(catalog.Current.Find("big")!);
        var file = remover.Remove(catalog.Current.Find("small")!);

        Assert.NotNull(folder.Refused);
        Assert.Equal((0, null), (file.Freed.Bytes, file.Refused));
        Assert.True(File.Exists(elsewhere));
        Assert.True(File.Exists(_folder.In("third/small.gguf")));
        Assert.False(File.Exists(_folder.In("models/small.gguf")));
    }

    [Fact]
    public void Remove_RepositoryThatIsALink_IsRefused()
    {
        var real = _folder.RepositoryOf("org/one", [("one.gguf", TinyModels.Gguf())]);
        Directory.Move(real, _folder.In("moved"));
        Directory.CreateSymbolicLink(real, _folder.In("moved"));
        var (catalog, remover) = Look();

        Assert.Contains("link", remover.Remove(Assert.Single(catalog.Current.Models)).Refused, StringComparison.Ordinal);
        Assert.True(Directory.Exists(_folder.In("moved/blobs")));
    }

    [Fact]
    public void Remove_WhatOthersKeepOrUse_IsRefused()
    {
        _folder.Write("home/.lmstudio/models/org/Lm-GGUF/lm.gguf", TinyModels.Gguf());
        foreach (var (name, bytes) in TinyModels.Mlx())
        {
            _folder.Write($"models/outer/{name}", bytes);
        }

        _folder.Write("models/outer/inner.gguf", TinyModels.Gguf());
        _folder.Write("configured.gguf", TinyModels.Gguf());
        var (catalog, remover) = Look(new() { ["mine"] = new ModelOptions { Source = _folder.In("configured.gguf") } }, ["models"], ["mlx_lm", "llama_server"]);

        Assert.All(["mine", "org/Lm-GGUF", "outer"], id => Assert.NotNull(remover.Remove(catalog.Current.Find(id)!).Refused));
        Assert.Contains("'inner'", remover.Remove(catalog.Current.Find("outer")!).Refused, StringComparison.Ordinal);
        Assert.Equal(4, catalog.Current.Models.Count);
    }

    private (ModelCatalog Catalog, ModelRemover Remover) Look(Dictionary<string, ModelOptions>? models = null, List<string>? folders = null, string[]? offered = null)
    {
        var facts = TemporaryFolder.Lenient;
        var catalog = new ModelCatalog([new ConfiguredModels(facts), new HuggingFaceCache(facts), new FolderModels(facts), new LmStudioModels(facts)], facts, TimeProvider.System, NullLogger<ModelCatalog>.Instance);
        var errors = new SettingsErrors();
        Assert.True(catalog.TryAdopt(_folder.Settings(models, folders: folders, offered: offered), errors), string.Join(' ', errors.All));
        return (catalog, new ModelRemover(catalog));
    }

    // Two files that are one model.
    private sealed record GgufParts(string Stem)
    {
        public void Write(TemporaryFolder folder)
        {
            folder.Write($"{Stem}-00001-of-00002.gguf", TinyModels.Gguf());
            folder.Write($"{Stem}-00002-of-00002.gguf", TinyModels.Gguf());
        }
    }
}
