using System.Buffers.Binary;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>Files that are broken, or made to break whoever reads them.</summary>
public sealed class GgufFaultTests
{
    [Fact]
    public void Data_CutOff_IsAFaultWithBothNumbers()
    {
        var bytes = Valid();
        Assert.Equal($"the file x is truncated: its tensors end at byte {bytes.Length}, and it has {bytes.Length - 1}", Fault(bytes[..^1]));
        Assert.Null(Fault(bytes));
    }

    [Fact]
    public void Head_CutOffAnywhere_IsAFault()
    {
        var bytes = Valid();
        for (var length = 0; length < bytes.Length; length++)
        {
            Assert.NotNull(Fault(bytes[..length]));
        }
    }

    [Fact]
    public void File_ShorterThanItWasSaidToBe_IsAFault()
    {
        var bytes = Valid();
        var facts = GgufFacts.Read(new MemoryStream(bytes, 0, 60), bytes.Length, "x");
        Assert.Equal($"the file x became shorter while it was read: it ends at byte 60, and had {bytes.Length}", facts.Fault);
        Assert.Null(facts.Facts);
    }

    [Theory]
    [InlineData(0, 1u, "is no GGUF file")]
    [InlineData(4, 1u, "version 1, which engines no longer read")]
    [InlineData(4, 0x03000000u, "is a big-endian GGUF file")]
    [InlineData(4, 4u, "unknown version 4")]
    [InlineData(4, 0u, "unknown version 0")]
    public void Beginning_OfAnotherKind_IsAFault(int at, uint number, string fault)
    {
        var bytes = Valid();
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), number);
        Assert.Contains(fault, Fault(bytes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8)] // tensors
    [InlineData(16)] // values
    [InlineData(24)] // the first key
    public void Counts_BeyondReason_AreAFaultAtOnce(int at)
    {
        foreach (var count in (ulong[])[1UL << 60, ulong.MaxValue, 1UL << 63, 1UL << 31, 1UL << 17])
        {
            var bytes = Valid();
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), count);
            Assert.NotNull(Fault(bytes));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(1u << 31)]
    public void Alignment_ThatIsNone_IsAFault(uint alignment) =>
        Assert.Contains($"aligns its data to {alignment} bytes", Fault(Model().With("general.alignment", alignment).Build()), StringComparison.Ordinal);

    [Fact]
    public void Alignment_OfItsOwn_IsObeyed()
    {
        var bytes = new GgufWriter { Alignment = 4096 }.With("general.architecture", "llama").With("general.alignment", 4096u).Tensor("a", GgufWriter.F32, 1).Tensor("b", GgufWriter.F32, 1024).Build();
        Assert.Null(Fault(bytes));
        Assert.Contains("truncated", Fault(bytes[..^1]), StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_WithinLists_AreAFault() => Assert.Contains("lists within lists", Fault(Model().With("x", new object[] { new int[] { 1 } }).Build()), StringComparison.Ordinal);

    [Theory]
    [InlineData(new ulong[] { 1UL << 62, 4 })]
    [InlineData(new[] { 1UL << 40, 1UL << 40 })]
    public void Tensors_OfImpossibleSizes_AreAFault(ulong[] shape)
    {
        // The sizes are put in afterwards, or the writer would want to write that much.
        var bytes = new GgufWriter().With("general.architecture", "llama").Tensor("abcdefgh", GgufWriter.F32, 1, 1).Build();
        var at = bytes.AsSpan().IndexOf("abcdefgh"u8) + 8 + 4;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), shape[0]);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at + 8), shape[1]);
        Assert.Contains("impossible size", Fault(bytes), StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_ThatCannotBe_AreAFault()
    {
        Assert.Contains("5 dimensions", Fault(Model().Tensor("b", GgufWriter.F32, 1, 1, 1, 1, 1).Build()), StringComparison.Ordinal);
        Assert.Contains("no whole blocks of 256", Fault(Model().Tensor("b", GgufWriter.Q4K, 100, 256).Build()), StringComparison.Ordinal);
        Assert.Contains("holds no tensors", Fault(new GgufWriter().With("general.architecture", "llama").Build()), StringComparison.Ordinal);
        Assert.Contains("does not say which architecture", Fault(new GgufWriter().Tensor("a", GgufWriter.F32, 1).Build()), StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_OverEachOther_AreAFault()
    {
        var bytes = new GgufWriter().With("general.architecture", "llama").Tensor("a", GgufWriter.F32, 8).Tensor("bbbbbbbb", GgufWriter.F32, 8).Build();
        var at = bytes.AsSpan().IndexOf("bbbbbbbb"u8) + 8 + 4 + 8 + 4;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), 0);
        Assert.Contains("over each other", Fault(bytes[..^32]), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_TooManyToKeep_AreSkipped()
    {
        var writer = Model();
        for (var i = 0; i < 5000; i++)
        {
            writer.With($"llama.number{i}", (uint)i).With($"llama.list{i}", new int[100]);
        }

        var bytes = writer.With(new string('k', 70_000), 1u).With("tokenizer.chat_template", new string('x', 3 << 20)).Build();
        var before = GC.GetAllocatedBytesForCurrentThread();
        var fault = Fault(bytes);
        Assert.Null(fault);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 << 20);
    }

    [Fact]
    public void Texts_ThatCrossTheEndsOfTheBuffer_AreSkippedExactly()
    {
        // 30,000 texts of 0 to 400 bytes are 6 MB, and what follows is found only if every length was taken from its place.
        var texts = Enumerable.Range(0, 30_000).Select(i => new string('x', i * 7 % 401)).ToArray();
        var bytes = Model().With("tokenizer.ggml.tokens", texts).With("long", new[] { new string('y', 200_000), "" }).With("llama.context_length", 77u).Build();
        var (facts, fault) = GgufFacts.Read(new MemoryStream(bytes), bytes.Length, "x");

        Assert.Null(fault);
        Assert.Equal((30_000, 77), (facts!.VocabularySize, facts.ContextWindow));
    }

    [Fact]
    public void Pipe_IsNeverOpened()
    {
        using var folder = new TemporaryFolder();
        using var made = System.Diagnostics.Process.Start("mkfifo", [folder.In("pipe.gguf")]);
        made.WaitForExit();

        Assert.Equal($"the file {folder.In("pipe.gguf")} does not exist or is empty", GgufFacts.Read(folder.In("pipe.gguf")).Fault);
        Assert.Equal($"the file {folder.In("none.gguf")} does not exist or is empty", GgufFacts.Read(folder.In("none.gguf")).Fault);
        Assert.NotNull(GgufFacts.Read(folder.Path).Fault);
    }

    private static GgufWriter Model() => new GgufWriter().With("general.architecture", "llama").Tensor("token_embd.weight", GgufWriter.F32, 8, 8);

    private static byte[] Valid() => Model().With("llama.block_count", 2u).With("tokenizer.ggml.tokens", new[] { "a", "bc" }).With("llama.list", new[] { 1, 2 }).Build();

    private static string? Fault(byte[] bytes) => GgufFacts.Read(new MemoryStream(bytes), bytes.Length, "x").Fault;
}
