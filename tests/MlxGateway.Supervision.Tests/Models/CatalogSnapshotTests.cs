using System.Text;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class CatalogSnapshotTests
{
    private static readonly CatalogSnapshot Catalog = Snapshot(
        Model("coder", "Big-One", "gpt-4o"),
        Model("Coder-X"),
        Model("coder-x"),
        Model("größe"),
        Model("mlx-community/gemma-3-4b-it-4bit", "gemma"));

    [Theory]
    [InlineData("coder", "coder")]
    [InlineData("gpt-4o", "coder")]
    [InlineData("GPT-4O", "coder")]
    [InlineData("CODER", "coder")]
    [InlineData("Coder-X", "Coder-X")]
    [InlineData("coder-x", "coder-x")]
    [InlineData("CODER-X", null)] // two differ from it in case alone
    [InlineData("GRÖSSE", null)]
    [InlineData("GRÖßE", "größe")]
    [InlineData("code", null)]
    [InlineData("", null)]
    [InlineData("coder\0", null)]
    public void Resolve_Name_FindsExactlyOneOrNone(string name, string? id)
    {
        Assert.Equal(id, Catalog.Resolve(name)?.Id);
        Assert.Equal(id, Catalog.Resolve(Encoding.UTF8.GetBytes(name))?.Id);
    }

    [Theory]
    [InlineData("org/one", "org/one")]
    [InlineData("org/one:Q8_0", "org/one")]
    [InlineData("ORG/ONE:q8_0", "org/one")]
    [InlineData("org/one:Q4_K_M", null)] // that file is not here
    [InlineData("org/many:q4_k_m", "org/many/a-Q4_K_M")]
    [InlineData("org/many:Q8_0", "org/many/a-Q8_0")]
    [InlineData("org/many:F16", "org/many/b-f16")]
    [InlineData("org/many", "org/many/a-Q4_K_M")] // which a download of it would choose too
    [InlineData("hf.co/org/many:Q8_0", "org/many/a-Q8_0")]
    [InlineData("https://huggingface.co/org/one/", "org/one")]
    [InlineData("hf.co/org/mlx", "org/mlx")]
    [InlineData("org/half", "org/half/c-Q8_0")] // the better one is not whole
    [InlineData("org/half:Q4_K_M", "org/half/c-Q4_K_M")]
    [InlineData("org/taken:Q8_0", "mine")] // what is configured goes before
    [InlineData("org/held:Q8_0", "holder")] // found too, by the name that became an alias
    [InlineData("org/mlx:Q8_0", null)]
    [InlineData("llama3:8b", "llama3:8b")]
    [InlineData("hf.co/", null)]
    public void Resolve_NameThatAModelHasElsewhere_FindsIt(string name, string? id)
    {
        var catalog = Snapshot(
            Gguf("org/one", "one-Q8_0"), Gguf("org/many/a-Q8_0", "a-Q8_0-00001-of-00002"), Gguf("org/many/a-Q4_K_M", "a-Q4_K_M"), Gguf("org/many/b-f16", "b-f16"),
            Gguf("org/half/c-Q4_K_M", "c-Q4_K_M") with { Missing = "Half of it." }, Gguf("org/half/c-Q8_0", "c-Q8_0"), Gguf("org/taken", "t-Q8_0"), Gguf("llama3:8b", "sha256-Q8_0"),
            Model("mine", "org/taken:Q8_0"), Model("org/mlx"), Gguf("holder", "h-Q8_0") with { Origin = ModelOrigin.Configured, Aliases = ["org/held/h-Q8_0"] });

        Assert.Equal(id, catalog.Resolve(name)?.Id);
        Assert.Equal(id, catalog.Resolve(Encoding.UTF8.GetBytes(name))?.Id);
    }

    [Fact]
    public void Resolve_BytesThatAreNoText_NameNothing() => Assert.Null(Catalog.Resolve([0xFF, 0xFE, (byte)'c']));

    [Fact]
    public void Resolve_VeryLongName_NamesNothing() => Assert.Null(Catalog.Resolve(Encoding.UTF8.GetBytes(new string('ö', 1_000_000))));

    [Fact]
    public void Resolve_NameLongerThanTheStackHasRoomFor_IsFound()
    {
        var name = new string('n', 2000);

        Assert.Equal(name, Snapshot(Model(name)).Resolve(Encoding.UTF8.GetBytes(name))?.Id);
    }

    [Fact]
    public void Resolve_AnyName_AllocatesNothing()
    {
        ReadOnlySpan<byte> known = "gpt-4o"u8;
        ReadOnlySpan<byte> otherCase = "GPT-4O"u8;
        ReadOnlySpan<byte> unknown = "nobody"u8;
        LookUp(known, otherCase, unknown, times: 10);

        var before = GC.GetAllocatedBytesForCurrentThread();
        LookUp(known, otherCase, unknown, times: 1000);

        // The runtime's own bookkeeping may add a little; one object for each look-up would be 72 000 bytes.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000);
    }

    [Fact]
    public void Models_AnyOrderGiven_AreOrderedById() =>
        Assert.Equal(["Coder-X", "coder", "coder-x", "größe", "mlx-community/gemma-3-4b-it-4bit"], Catalog.Models.Select(model => model.Id));

    [Theory]
    [InlineData("codr", "coder")]
    [InlineData("gemma3", "gemma")]
    [InlineData("gpt4o", "gpt-4o")]
    public void Nearest_SlipOfThePen_NamesWhatWasMeantFirst(string name, string first) => Assert.Equal(first, Catalog.Nearest(name, 2)[0]);

    [Fact]
    public void Nearest_NothingNear_IsEmpty() => Assert.Empty(Catalog.Nearest("whisper-large", 3));

    [Fact]
    public void Nearest_IdAndAliasOfOneModel_CountOnce() => Assert.Equal(["gemma"], Catalog.Nearest("gemm", 3));

    [Fact]
    public void Empty_AnyName_NamesNothing()
    {
        Assert.Null(CatalogSnapshot.Empty.Resolve("x"));
        Assert.Null(CatalogSnapshot.Empty.Resolve("x"u8));
        Assert.Null(CatalogSnapshot.Empty.Resolve(""));
        Assert.Empty(CatalogSnapshot.Empty.Nearest("x", 3));
    }

    private static void LookUp(ReadOnlySpan<byte> known, ReadOnlySpan<byte> otherCase, ReadOnlySpan<byte> unknown, int times)
    {
        for (var i = 0; i < times; i++)
        {
            Assert.True(Catalog.Resolve(known) is not null && Catalog.Resolve(otherCase) is not null && Catalog.Resolve(unknown) is null);
        }
    }

    private static CatalogSnapshot Snapshot(params ModelSpec[] models) => new(models, models.ToDictionary(model => model.Id, _ => DateTimeOffset.UnixEpoch), null);

    private static ModelSpec Gguf(string id, string file) => new() { Id = id, Runner = "llama_server", Origin = ModelOrigin.Discovered, Path = $"/m/{file}.gguf" };

    private static ModelSpec Model(string id, params string[] aliases) => new() { Id = id, Runner = "demo", Aliases = ValueList.From(aliases) };
}
