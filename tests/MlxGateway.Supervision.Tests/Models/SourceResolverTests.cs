using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

[UnsupportedOSPlatform("windows")]
public sealed class SourceResolverTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("models/a.gguf")]
    [InlineData("./models/../models/a.gguf")]
    [InlineData("${BASE}/models/a.gguf")]
    public void Resolve_File_IsFoundFromTheFolderOfTheConfiguration(string source)
    {
        _folder.Variables["BASE"] = _folder.Path;
        var file = _folder.Write("models/a.gguf", 100);

        var resolved = Resolve(source, "llama_server");

        Assert.Equal(new ResolvedSource(file, new ByteSize(100), null), resolved);
    }

    [Fact]
    public void Resolve_Tilde_IsTheHomeDirectory()
    {
        var file = _folder.Write("home/a.gguf", 100);

        Assert.Equal(file, Resolve("~/a.gguf", "llama_server").Path);
        Assert.Equal(file, Resolve("${HOME}/a.gguf", "llama_server").Path);
    }

    [Fact]
    public void Resolve_FirstOfASeries_CountsAllOfIt()
    {
        var first = _folder.Write("a-00001-of-00002.gguf", 100);
        _folder.Write("a-00002-of-00002.gguf", 50);

        Assert.Equal(new ResolvedSource(first, new ByteSize(150), null), Resolve(first, "llama_server"));
    }

    [Fact]
    public void Resolve_SeriesWithAGap_NamesTheMissingFile()
    {
        var first = _folder.Write("a-00001-of-00002.gguf", 100);

        var resolved = Resolve(first, "llama_server");

        Assert.Null(resolved.Path);
        Assert.Equal($"The file {_folder.In("a-00002-of-00002.gguf")} does not exist or is empty.", resolved.Missing);
    }

    [Fact]
    public void Resolve_FolderForLlamaServer_SkipsProjectorsAndLaterShards()
    {
        _folder.Write("m/a-00002-of-00002.gguf", 50);
        _folder.Write("m/mmproj-F16.gguf", 7);
        var first = _folder.Write("m/z-00001-of-00001.gguf", 100);

        Assert.Equal(new ResolvedSource(first, new ByteSize(100), null), Resolve("m", "llama_server"));
    }

    [Fact]
    public void Resolve_Repository_FollowsTheLinksOfItsMainRevision()
    {
        var snapshot = _folder.Repository("org/Name-GGUF", ("config.json", 5), ("Name-Q4.gguf", 1000));

        Assert.Equal(new ResolvedSource(Path.Combine(snapshot, "Name-Q4.gguf"), new ByteSize(1000), null), Resolve("org/Name-GGUF", "llama_server"));
    }

    [Theory]
    [InlineData("org/many", "m-Q4_K_M.gguf")] // which a download of it brings, though others come before it by name
    [InlineData("org/many:Q8_0", "m-Q8_0-00001-of-00002.gguf")]
    [InlineData("org/many:bf16", "m-BF16.gguf")]
    [InlineData("org/many:m-BF16", "m-BF16.gguf")]
    [InlineData("org/many/m-Q8_0", "m-Q8_0-00001-of-00002.gguf")] // the id of what is found
    [InlineData("hf.co/org/many:Q8_0", "m-Q8_0-00001-of-00002.gguf")]
    [InlineData("https://huggingface.co/org/many", "m-Q4_K_M.gguf")]
    public void Resolve_OneOfSeveralFilesOfARepository_IsTheOneThatIsNamed(string source, string file)
    {
        var snapshot = _folder.Repository("org/many", ("m-BF16.gguf", 1000), ("m-Q4_K_M.gguf", 300), ("m-Q8_0-00001-of-00002.gguf", 400), ("m-Q8_0-00002-of-00002.gguf", 200));

        Assert.Equal((Path.Combine(snapshot, file), null), (Resolve(source, "llama_server").Path, Resolve(source, "llama_server").Missing));
        Assert.Equal("llama_server", RunnerKindRule.For(new ModelOptions { Source = source }, new SourceResolver(_folder.Settings(), TemporaryFolder.Lenient), ["mlx_lm", "llama_server"]));
    }

    [Theory]
    [InlineData("org/many:Q2_K", "llama_server", "The Hugging Face cache has no file Q2_K of the repository org/many. Fetch it with: hf download org/many --include '*Q2_K*'")]
    [InlineData("org/none:Q2_K", "llama_server", "The Hugging Face cache has no file Q2_K of the repository org/none. Fetch it with: hf download org/none --include '*Q2_K*'")]
    [InlineData("org/many:Q8_0", "mlx_lm", "The source org/many:Q8_0 names one of the GGUF files of a repository, and mlx_lm loads folders.")]
    public void Resolve_OneOfSeveralFilesThatIsNotHere_SaysHowToFetchIt(string source, string kind, string missing)
    {
        _folder.Repository("org/many", ("m-Q8_0.gguf", 1000));

        Assert.Equal((null, missing), (Resolve(source, kind).Path, Resolve(source, kind).Missing));
    }

    [Fact]
    public void Resolve_FolderThatIsNotThere_IsNotTakenForAFileOfARepository() =>
        Assert.Equal($"The file or folder {_folder.In("org/none/folder")} does not exist.", Resolve("org/none/folder", "llama_server").Missing);

    [Fact]
    public void Resolve_MlxRepository_CountsItsWeights()
    {
        var snapshot = _folder.Repository("org/mlx", ("config.json", 5), ("tokenizer.json", 33), ("a.safetensors", 1000), ("b.safetensors", 500));

        Assert.Equal(new ResolvedSource(snapshot, new ByteSize(1500), null), Resolve("org/mlx", "mlx_lm") with { Facts = null });
    }

    [Fact]
    public void Resolve_MlxRepositoryWithoutAShardOfItsIndex_SaysWhichAndHowToFetchIt()
    {
        var repository = _folder.RepositoryOf("org/mlx", TinyModels.Mlx().Where(file => file.Name != "model-00002-of-00002.safetensors"));

        var resolved = new SourceResolver(_folder.Settings(), new FactsCache()).Resolve("org/mlx", "mlx_lm");

        Assert.Equal($"In {repository}/snapshots/c0ffee, the file model-00002-of-00002.safetensors that the index names is missing. Fetch it with: hf download org/mlx", resolved.Missing);
        Assert.NotNull(resolved.Facts); // what is there says what it is
    }

    [Fact]
    public void Resolve_RepositoryThatIsNotHere_SaysHowToFetchIt() =>
        Assert.Equal(new ResolvedSource(null, null, "The repository org/absent is not in the Hugging Face cache. Fetch it with: hf download org/absent"), Resolve("org/absent", "mlx_lm"));

    [Theory]
    [InlineData("HF_HUB_CACHE", "")]
    [InlineData("HUGGINGFACE_HUB_CACHE", "")]
    [InlineData("HF_HOME", "hub")]
    [InlineData("XDG_CACHE_HOME", "huggingface/hub")]
    public void Resolve_CacheElsewhere_IsFoundByTheEnvironment(string variable, string below)
    {
        _folder.Variables[variable] = _folder.In("elsewhere");
        var root = Path.Combine("elsewhere", below);
        _folder.Write($"{root}/models--org--x/refs/main", "c0ffee");
        var file = _folder.Write($"{root}/models--org--x/snapshots/c0ffee/x.gguf", 10);

        Assert.Equal(file, Resolve("org/x", "llama_server").Path);
    }

    [Fact]
    public void Resolve_CacheNamedTwice_TheMoreSpecificVariableWins()
    {
        _folder.Variables["HF_HOME"] = _folder.In("home2");
        _folder.Variables["HF_HUB_CACHE"] = _folder.In("hub");
        _folder.Write("home2/hub/models--org--x/refs/main", "c0ffee");
        _folder.Write("home2/hub/models--org--x/snapshots/c0ffee/x.gguf", 10);

        Assert.NotNull(Resolve("org/x", "llama_server").Missing);
    }

    [Theory]
    [InlineData("../../../../etc")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("")]
    public void Resolve_RevisionThatLeadsAway_IsNotFollowed(string revision)
    {
        _folder.Write("home/.cache/huggingface/hub/models--org--x/refs/main", revision);
        _folder.Write("home/.cache/huggingface/hub/models--org--x/snapshots/a/b/x.gguf", 10);
        _folder.Write("home/.cache/huggingface/hub/models--org--x/x.gguf", 10);

        Assert.Null(Resolve("org/x", "llama_server").Path);
    }

    [Theory]
    [InlineData("nothing.gguf")]
    [InlineData("/no/such/place/at/all")]
    [InlineData("~/../x")]
    [InlineData("org/../nothing")]
    [InlineData("a\0b")]
    [InlineData("")]
    public void Resolve_Nothing_IsMissingWithASentence(string source)
    {
        var resolved = Resolve(source, "llama_server");

        Assert.Null(resolved.Path);
        Assert.EndsWith(".", resolved.Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_NameLongerThanTheSystemTakes_IsMissing() => Assert.NotNull(Resolve(new string('x', 10_000), "llama_server").Missing);

    [Fact(Timeout = 60_000)]
    public async Task Resolve_PipesLoopsAndFilesThatNobodyMayRead_NeitherThrowsNorBlocks()
    {
        Directory.CreateDirectory(_folder.In("odd/locked"));
        Assert.Equal(0, MakePipe(_folder.In("odd/a-pipe.gguf"), 0x1B6));
        Assert.Equal(0, MakePipe(_folder.In("odd/config.json"), 0x1B6));
        File.CreateSymbolicLink(_folder.In("odd/b-loop.gguf"), "b-loop.gguf");
        File.CreateSymbolicLink(_folder.In("odd/c-broken.gguf"), "nowhere");
        Directory.CreateSymbolicLink(_folder.In("odd/circle"), ".");
        _folder.Write("odd/locked/secret.gguf", 10);
        File.SetUnixFileMode(_folder.In("odd/locked"), UnixFileMode.None);
        var good = _folder.Write("odd/z-good.gguf", 100);
        var settings = _folder.Settings(folders: ["odd", "odd/b-loop.gguf", "odd/circle/circle", "gone", "a\0b"]);

        var (inFolder, pipe, loop, mlx, discovered) = await Task.Run(
            () => (Resolve("odd", "llama_server"), Resolve("odd/a-pipe.gguf", "llama_server"), Resolve("odd/b-loop.gguf", "llama_server"), Resolve("odd", "mlx_lm"), new FolderModels(TemporaryFolder.Lenient).Read(settings)),
            TestContext.Current.CancellationToken);
        File.SetUnixFileMode(_folder.In("odd/locked"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.Equal(good, inFolder.Path);
        Assert.NotNull(pipe.Missing);
        Assert.NotNull(loop.Missing);
        Assert.NotNull(mlx.Missing);
        Assert.Contains(discovered, model => model.Path == good);
        Assert.DoesNotContain(discovered, model => model.Id.Contains("pipe", StringComparison.Ordinal) || model.Id.Contains("loop", StringComparison.Ordinal));
    }

    [Fact]
    public void Find_LinksThatLeadToTheSameFolder_FindsItsFilesOnce()
    {
        _folder.Write("top/real/deep/x.gguf", 10);
        Directory.CreateSymbolicLink(_folder.In("top/a-link"), "real");
        Directory.CreateSymbolicLink(_folder.In("top/real/up"), "..");

        Assert.Single(FileWalk.Find(_folder.In("top"), ".gguf", depth: 6));
    }

    [Fact]
    public void Find_FileDeeperThanAllowed_IsNotFound()
    {
        _folder.Write("top/1/2/3/x.gguf", 10);

        Assert.Empty(FileWalk.Find(_folder.In("top"), ".gguf", depth: 2));
        Assert.Single(FileWalk.Find(_folder.In("top"), ".gguf", depth: 3));
    }

    private ResolvedSource Resolve(string source, string kind) => new SourceResolver(_folder.Settings(), TemporaryFolder.Lenient).Resolve(source, kind);

    private static int MakePipe(string path, uint mode) => MakePipe(Encoding.UTF8.GetBytes(path + '\0'), mode);

    [DllImport("libc", EntryPoint = "mkfifo")]
    private static extern int MakePipe(byte[] path, uint mode);
}
