using System.Diagnostics;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Tests.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>What the values and tensors of GGUF files tell.</summary>
public sealed class GgufFactsTests
{
    [Fact]
    public void Model_WithEverything_IsDescribed()
    {
        var (facts, fault) = Model()
            .With("general.type", "model").With("general.file_type", 15u).With("general.name", "Tiny").With("general.quantization_version", 2u)
            .With("llama.context_length", 8192u).With("llama.embedding_length", 256u).With("llama.feed_forward_length", 1024u).With("llama.block_count", 2u)
            .With("llama.attention.head_count", 4ul).With("llama.attention.head_count_kv", (ushort)2).With("llama.rope.freq_base", 10000f).With("x.double", 1.0).With("x.signed", -1L)
            .With("tokenizer.ggml.tokens", new[] { "a", "b", "c" }).With("tokenizer.ggml.scores", new[] { 0f, 1f, 2f }).With("tokenizer.ggml.token_type", new[] { 1, 1, 3 })
            .With("tokenizer.chat_template", "{% if tools %}{{ tools }}{% endif %}<think>")
            .Tensor("blk.0.ffn_up.weight", GgufWriter.Q4K, 256, 4).Tensor("output_norm.weight", GgufWriter.F32, 256)
            .Read();

        Assert.Null(fault);
        Assert.Equal(
            new ModelFacts
            {
                Use = ModelUse.Chat,
                Architecture = "llama",
                Quantisation = "Q4_K_M",
                Parameters = 64 + 1024 + 256, // 8 x 8, 256 x 4, 256
                TensorBytes = new ByteSize((64 * 4) + (4 * 144) + (256 * 4)),
                Cache = new CacheLayout([new CacheLayers(2, 2 * 128)]),
                ContextWindow = 8192,
                HiddenSize = 256,
                FeedForwardSize = 1024,
                AttentionHeads = 4,
                VocabularySize = 3,
                HasChatTemplate = true,
                TakesTools = true,
                Thinks = true,
            },
            facts);
    }

    [Fact]
    public void Model_WithNothingButATensor_IsDescribedByThat()
    {
        var (facts, fault) = Model().Read();

        Assert.Null(fault);
        Assert.Equal(new ModelFacts { Architecture = "llama", Quantisation = "F32", Parameters = 64, TensorBytes = new ByteSize(256) }, facts);
    }

    [Theory]
    [InlineData(7u, "Q8_0")]
    [InlineData(1024u + 15, "Q4_K_M")] // guessed
    [InlineData(38u, "MXFP4")]
    [InlineData(999u, "F32")] // newer than the list: by the tensors
    public void Quantisation_FromItsNumber_HasAName(uint number, string name) => Assert.Equal(name, Facts(Model().With("general.file_type", number)).Quantisation);

    [Theory]
    [InlineData("llama", "model", null, ModelUse.Chat)]
    [InlineData("qwen3", "model", 3u, ModelUse.Embedding)]
    [InlineData("qwen3", "model", 4u, ModelUse.Reranking)]
    [InlineData("qwen3", "model", 0u, ModelUse.Chat)]
    [InlineData("bert", "model", null, ModelUse.Embedding)]
    [InlineData("bert", "model", 4u, ModelUse.Reranking)]
    [InlineData("jina-bert-v2", null, 1u, ModelUse.Embedding)]
    [InlineData("llama", "adapter", null, ModelUse.Adapter)]
    [InlineData("clip", "mmproj", null, ModelUse.Other)]
    [InlineData("clip", null, null, ModelUse.Other)]
    [InlineData("flux", null, null, ModelUse.Other)]
    [InlineData("wavtokenizer-dec", null, 0u, ModelUse.Other)]
    [InlineData("whisper", null, null, ModelUse.Transcription)]
    public void Use_FromTypePoolingAndArchitecture_IsKnown(string architecture, string? type, uint? pooling, ModelUse use)
    {
        var writer = new GgufWriter().With("general.architecture", architecture).Tensor("t", GgufWriter.F32, 1);
        writer = type is null ? writer : writer.With("general.type", type);
        writer = pooling is { } number ? writer.With($"{architecture}.pooling_type", number) : writer;
        Assert.Equal(use, Facts(writer).Use);
    }

    [Theory]
    [InlineData(true, false, "text, image")]
    [InlineData(false, true, "text, audio")]
    [InlineData(true, true, "text, image, audio")]
    [InlineData(null, true, "text, audio")]
    [InlineData(null, null, "text, image")] // of before there was sound
    public void Projector_SaysWhatItAdds(bool? sees, bool? hears, string modalities)
    {
        using var folder = new TemporaryFolder();
        var writer = new GgufWriter().With("general.architecture", "clip").With("general.type", "mmproj").Tensor("v.t", GgufWriter.F32, 4);
        writer = sees is { } vision ? writer.With("clip.has_vision_encoder", vision) : writer;
        writer = hears is { } audio ? writer.With("clip.has_audio_encoder", audio) : writer;
        var file = writer.Write(folder.In("mmproj.gguf"));

        Assert.Equal(modalities, string.Join(", ", GgufFacts.ModalitiesOf(file)!));
        Assert.Equal(new ByteSize(16), GgufFacts.Read(file).Facts!.TowerBytes);
    }

    [Fact]
    public void Projector_ThatIsNone_AddsNothing()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(GgufFacts.ModalitiesOf(Model().Write(folder.In("a.gguf"))));
        Assert.Null(GgufFacts.ModalitiesOf(folder.In("none.gguf")));
    }

    [Fact]
    public void FeedForward_OfExperts_IsAsWideAsThoseThatWork()
    {
        var writer = Model().With("llama.expert_feed_forward_length", 768u).With("llama.expert_used_count", 8u).With("llama.feed_forward_length", new[] { 100, 200 });
        Assert.Equal(6144, Facts(writer).FeedForwardSize);
    }

    [Fact]
    public void Tensors_InAFormatThatIsNotKnown_TakeTheFile()
    {
        var facts = Facts(Model().Tensor("new", 1000, 512));
        Assert.Equal(256 + 512, facts.TensorBytes!.Value.Bytes);
        Assert.Equal(64 + 512, facts.Parameters);
    }

    [Theory]
    [InlineData("8B", 8_000_000_000L)]
    [InlineData("270M", 270_000_000L)]
    [InlineData("30B-A3B", 30_000_000_000L)]
    [InlineData("8x7B", 56_000_000_000L)]
    [InlineData("1.5B", 1_500_000_000L)]
    [InlineData("large", null)]
    public void Parameters_WhereTheTensorsAreNotAllHere_AreThoseOfTheLabel(string label, long? parameters)
    {
        var bytes = Model().With("general.size_label", label).Build();
        var (facts, fault) = GgufFacts.Read(new MemoryStream(bytes, 0, bytes.Length - 1), bytes.Length - 1, "x");

        Assert.NotNull(fault);
        Assert.Equal(parameters, facts!.Parameters);
        Assert.Null(facts.TensorBytes);
    }

    [Fact]
    public void Series_Whole_AddsUp()
    {
        using var folder = new TemporaryFolder();
        var first = Part(0, 2).Write(folder.In("m-00001-of-00002.gguf"));
        new GgufWriter().With("split.no", (ushort)1).With("split.count", (ushort)2).Tensor("b", GgufWriter.F32, 100).Write(folder.In("m-00002-of-00002.gguf"));

        var (facts, fault) = GgufFacts.Read(first);

        Assert.Null(fault);
        Assert.Equal(110, facts!.Parameters);
        Assert.Equal(440, facts.TensorBytes!.Value.Bytes);
    }

    [Fact]
    public void Series_WithAFileMissing_SaysWhich()
    {
        using var folder = new TemporaryFolder();
        var (facts, fault) = GgufFacts.Read(Part(0, 2).Write(folder.In("m-00001-of-00002.gguf")));

        Assert.Equal($"the file {folder.In("m-00002-of-00002.gguf")} does not exist or is empty", fault);
        Assert.Equal("llama", facts!.Architecture);
        Assert.Null(facts.TensorBytes);
    }

    [Fact]
    public void Series_WithATensorTooFew_IsAFault()
    {
        using var folder = new TemporaryFolder();
        var first = Part(0, 2).With("split.tensors.count", 3).Write(folder.In("m-00001-of-00002.gguf"));
        new GgufWriter().Tensor("b", GgufWriter.F32, 1).Write(folder.In("m-00002-of-00002.gguf"));

        Assert.Equal($"the series of {first} holds 2 tensors, and says that there are 3", GgufFacts.Read(first).Fault);
    }

    [Fact]
    public void Series_WhoseNameDoesNotSaySo_IsAFault()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("its name does not say so", GgufFacts.Read(Part(0, 2).Write(folder.In("m.gguf"))).Fault, StringComparison.Ordinal);
        Assert.Contains("is file 2 of a series", GgufFacts.Read(Part(1, 2).Write(folder.In("m-00002-of-00002.gguf"))).Fault, StringComparison.Ordinal);
        Assert.Contains("claims to be one of 60000", GgufFacts.Read(Part(0, 60000).Write(folder.In("n.gguf"))).Fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Name_WithoutAnEnding_IsReadAllTheSame()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(GgufFacts.Read(Model().Write(folder.In("sha256-00ff"))).Fault);
    }

    [Fact]
    public async Task RealFile_FromTheGenerator_IsRead()
    {
        var generator = RealMlx.Need("MLXGATEWAY_TEST_TINY_MODEL");
        using var folder = new TemporaryFolder();
        using var process = Process.Start(new ProcessStartInfo("python3", [generator, folder.In("t.gguf"), "--tool", "f", "{}", "--layers", "3", "--kv-heads", "2", "--head-dim", "64"]) { RedirectStandardOutput = true })!;
        await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        var (facts, fault) = GgufFacts.Read(folder.In("t.gguf"));

        Assert.Null(fault);
        Assert.Equal(("llama", "BF16", 4096, 512, true, true), (facts!.Architecture, facts.Quantisation, facts.ContextWindow, facts.HiddenSize, facts.HasChatTemplate, facts.TakesTools));
        Assert.Equal(3 * 2 * 128, facts.Cache!.ValuesPerToken);
        Assert.True(facts.VocabularySize > 256);

        // One byte less, and the engine would not load it.
        using (var file = new FileStream(folder.In("t.gguf"), FileMode.Open))
        {
            file.SetLength(file.Length - 32);
        }

        Assert.Contains("is truncated: its tensors end at byte", GgufFacts.Read(folder.In("t.gguf")).Fault, StringComparison.Ordinal);
    }

    private static GgufWriter Model() => new GgufWriter().With("general.architecture", "llama").Tensor("token_embd.weight", GgufWriter.F32, 8, 8);

    private static GgufWriter Part(int number, int count) =>
        new GgufWriter().With("general.architecture", "llama").With("split.no", (ushort)number).With("split.count", (ushort)count).Tensor("a", GgufWriter.F32, 10);

    private static ModelFacts Facts(GgufWriter writer)
    {
        var (facts, fault) = writer.Read();
        Assert.Null(fault);
        return Assert.IsType<ModelFacts>(facts);
    }
}
