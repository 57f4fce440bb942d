using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>Repositories whose download is under way, or was given up.</summary>
public sealed class IncompleteModelsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Cache_ShardThatIsBeingFetched_IsIncompleteAndSaysHowToGoOn()
    {
        var repository = _folder.RepositoryOf("org/mlx", TinyModels.Mlx());
        Assert.Null(Only().Missing);
        File.Move(Blob(repository, "model-00002-of-00002.safetensors"), Path.Combine(repository, "blobs", "abc.12345678.incomplete"));

        var model = Only(); // its link leads nowhere now

        Assert.Null(model.Path);
        Assert.Contains("model-00002-of-00002.safetensors", model.Missing, StringComparison.Ordinal);
        Assert.EndsWith("Its download is not finished; fetch it with: hf download org/mlx", model.Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_IndexWithoutAnyShard_IsIncomplete()
    {
        _folder.RepositoryOf("org/mlx", TinyModels.Mlx().Where(file => !file.Name.EndsWith(".safetensors", StringComparison.Ordinal)));

        Assert.EndsWith(" Fetch it with: hf download org/mlx", Only().Missing, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("org/mlx", "mlx_lm")]
    [InlineData("org/Name-GGUF", "llama_server")]
    public void Cache_NothingButThePieceOfAFile_IsIncompleteAndKeptForTheKindThatItsNameSpeaksOf(string id, string kind)
    {
        _folder.Write($"home/.cache/huggingface/hub/models--{id.Replace("/", "--", StringComparison.Ordinal)}/blobs/abc.incomplete", 10);

        Assert.Equal((id, kind), (Only().Id, Only().Runner));
        Assert.Contains($"hf download {id}", Only().Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_TokenizerThatSomebodyFetchedAlone_IsNoModel()
    {
        _folder.RepositoryOf("org/mlx", TinyModels.Mlx().Where(file => file.Name.StartsWith("tokenizer", StringComparison.Ordinal) || file.Name == "config.json"));

        Assert.Empty(Read());
    }

    [Fact]
    public void Cache_WeightsWithoutATokenizer_AreIncomplete()
    {
        _folder.RepositoryOf("org/mlx", TinyModels.Mlx().Where(file => file.Name != "tokenizer.json"));

        Assert.Contains("tokenizer", Only().Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_ShardThatIsCut_IsIncomplete()
    {
        _folder.RepositoryOf("org/mlx", TinyModels.Mlx().Select(file => file.Name.Contains("00002-of", StringComparison.Ordinal) ? (file.Name, file.Bytes[..^10]) : file));

        Assert.Contains("model-00002-of-00002.safetensors", Only().Missing, StringComparison.Ordinal);
        Assert.EndsWith("Fetch it with: hf download org/mlx", Only().Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_PieceLeftBehindBesideAWholeModel_ChangesNothing()
    {
        var repository = _folder.RepositoryOf("org/mlx", TinyModels.Mlx());
        _folder.Write(Path.GetRelativePath(_folder.Path, Path.Combine(repository, "blobs/abc.incomplete")), 10);

        Assert.Null(Only().Missing);
    }

    [Fact]
    public void Cache_NoteOfTheFiles_SaysWhatIsNotThereYet()
    {
        var repository = _folder.RepositoryOf("org/mlx", TinyModels.Mlx().Where(file => file.Name != "tokenizer_config.json"));
        _folder.Write(Path.GetRelativePath(_folder.Path, Path.Combine(repository, "trees/c0ffee.json")), """{"format_version":1,"files":{"tokenizer_config.json":{"size":2},"../../x/tokenizer.json":{},"README.md":{"size":5}}}""");

        Assert.Contains("tokenizer_config.json does not exist", Only().Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_OneQuantisationHereAndOneOnItsWay_AreOneModelEach()
    {
        var repository = _folder.RepositoryOf("org/x-GGUF", [("x-Q4.gguf", TinyModels.Gguf())]);
        _folder.Write(Path.GetRelativePath(_folder.Path, Path.Combine(repository, "trees/c0ffee.json")), """{"files":{"x-Q8.gguf":{"size":9,"lfs_sha256":"beef"},"x-Q4.gguf":{"lfs_sha256":"f00d"}}}""");
        _folder.Write(Path.GetRelativePath(_folder.Path, Path.Combine(repository, "blobs/beef.0a1b2c3d.incomplete")), 10);

        Assert.Equal([("org/x-GGUF", true), ("org/x-GGUF/x-Q8", false)], Read().Select(model => (model.Id, model.Missing is null)));
    }

    [Fact]
    public void Cache_GgufWhoseSeriesLacksTheFirst_IsIncomplete()
    {
        _folder.RepositoryOf("org/x", [("x-00002-of-00002.gguf", TinyModels.Gguf())]);

        Assert.Contains("x-00001-of-00002.gguf does not exist", Only().Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_GgufThatIsCut_IsIncomplete()
    {
        _folder.RepositoryOf("org/x", [("x.gguf", TinyModels.Gguf()[..^9])]);

        Assert.EndsWith("Fetch it with: hf download org/x", Only().Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Cache_CommitFetchedWithoutAMainRevision_IsServed()
    {
        var repository = _folder.RepositoryOf("org/x", [("x.gguf", TinyModels.Gguf())]);
        File.Delete(Path.Combine(repository, "refs/main"));
        Assert.Null(Only().Missing);

        // ... but nobody could tell which of two was meant.
        Directory.CreateDirectory(Path.Combine(repository, "snapshots/other"));
        Assert.Empty(Read());
    }

    private ModelSpec Only() => Assert.Single(Read());

    private IReadOnlyList<ModelSpec> Read() => new HuggingFaceCache(new FactsCache()).Read(_folder.Settings(offered: ["llama_server", "mlx_lm", "mlx_vlm"]));

    private static string Blob(string repository, string name) => new FileInfo(Path.Combine(repository, "snapshots/c0ffee", name)).ResolveLinkTarget(true)!.FullName;
}
