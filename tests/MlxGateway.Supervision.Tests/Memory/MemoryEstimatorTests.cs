using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Memory.Engines;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>Parts by numbers that were worked out by hand.</summary>
public sealed class MemoryEstimatorTests
{
    // 4 layers that keep 1024 values for each token: 8 KB a token in 16 bits.
    private static readonly ModelFacts Facts = new()
    {
        TensorBytes = Megabytes(1000), TowerBytes = Megabytes(100), Cache = new CacheLayout([new CacheLayers(4, 1024)]),
        ContextWindow = 32768, HiddenSize = 1024, FeedForwardSize = 4096, AttentionHeads = 16, VocabularySize = 65536,
    };

    private static ByteSize ByteSizeOf(IEnumerable<MemoryPart> parts) => parts.Aggregate(ByteSize.Zero, (sum, part) => sum + part.Bytes);

    [Fact]
    public void LlamaServer_OneConversation_IsItsParts()
    {
        var need = MemoryEstimator.NeedOf(Model(KindNames.LlamaServer), new LaunchShape { Context = 16000, PromptCache = Megabytes(50) });

        // 16128 tokens in steps of 256. Work: 512 tokens × (65536 + 2 × 1024) values of 4 bytes, a mask of 2 bytes a cell, and 65536 values of 4 bytes for each of 4 slots.
        Assert.Equal(
            [("weights", 1000 * Mega), ("KV cache", 16128 * 8192L), ("prompt cache", 50 * Mega), ("working memory", (4 * 512 * 67584L) + (2 * 512 * 16128L) + (4 * 65536 * 4L)), ("process", 24 * Mega)],
            Parts(need));
        Assert.Equal((need.Total, need.Estimate), (new ByteSize(Parts(need).Sum(part => part.Bytes)), need.Total));
        Assert.Equal("weights 1000.00 MB, KV cache 126.00 MB, prompt cache 50.00 MB, overhead 172.75 MB", need.Reason);
    }

    [Fact]
    public void LlamaServer_SeveralConversationsInEightBits_HaveTheirOwnCells() =>
        Assert.Equal(3 * 4096 * 4096L / 32 * 34, Part(MemoryEstimator.NeedOf(Model(KindNames.LlamaServer), new LaunchShape { Context = 4000, Conversations = 3, CacheFormat = CacheFormat.Q8 }), "KV cache"));

    [Fact]
    public void LlamaServer_WindowsAndStates_AreOfTheSlotsAndCheckpointsAreBounded()
    {
        var model = Model(KindNames.LlamaServer) with { Facts = Facts with { Cache = new CacheLayout([new CacheLayers(1, 1024), new CacheLayers(2, 1024, Window: 1000), new CacheLayers(3, 0, StateBytes: 1000)]) } };
        var shared = MemoryEstimator.NeedOf(model, new LaunchShape { Context = 16384 });
        var own = MemoryEstimator.NeedOf(model, new LaunchShape { Context = 16384, Conversations = 2 });
        var whole = MemoryEstimator.NeedOf(model with { Args = ["--swa-full"] }, new LaunchShape { Context = 16384 });

        // Four share a cache: 4 windows and a step of 512, 4512, is 4608 cells. Each its own: 1512, is 1536.
        Assert.Equal((2 * 1024 * (16384 + (2 * 4608L))) + (4 * 3000), Part(shared, "KV cache"));
        Assert.Equal((2 * 2 * 1024 * (16384 + (2 * 1536L))) + (2 * 3000), Part(own, "KV cache"));
        Assert.Equal((2 * 1024 * 3 * 16384L) + (4 * 3000), Part(whole, "KV cache"));
        Assert.Equal(4 * ((2 * 1024 * 2 * 1000L) + 3000), Part(shared, "earlier states"));
    }

    [Fact]
    public void LlamaServer_WithoutFlashAttention_WritesScoresDown()
    {
        var shape = new LaunchShape { Context = 4096 };
        var with = MemoryEstimator.NeedOf(Model(KindNames.LlamaServer), shape);
        var without = MemoryEstimator.NeedOf(Model(KindNames.LlamaServer) with { Args = ["-fa", "off"] }, shape);

        // The scores of 16 heads for 4096 cells beside 6 × 1024 values are wider than the output, 65536 + 2 × 1024; and the mask has 4 bytes a cell instead of 2.
        Assert.Equal((4 * 512 * ((16 * 4096L) + 6144 - 67584)) + (2 * 512 * 4096L), Part(without, "working memory") - Part(with, "working memory"));
    }

    [Fact]
    public void LlamaServer_Projector_IsWhatTheFilesHaveBesideTheWeights() =>
        Assert.Equal(200 * Mega, Part(MemoryEstimator.NeedOf(Model(KindNames.LlamaServer) with { Projector = "/eyes.gguf", FileBytes = Megabytes(1200) }, LaunchShape.Free), "projector"));

    [Fact]
    public void MlxLm_ConversationsOfItsShape_AreItsParts()
    {
        var parts = new MlxLmMemory(writesScores: true).PartsOf(Model(KindNames.MlxLm), Facts, new LaunchShape { Context = 3000, Conversations = 2, PromptCache = Megabytes(30) });

        // 3072 tokens in steps of 256. Work: 2 × 2048 tokens × (20 × 1024 + 16 heads × 3000 scores) values of 2 bytes; the pool keeps 20 × 1024 × 2048 values of 2 bytes.
        Assert.Equal(
            [("weights", 900 * Mega), ("KV cache", 2 * 3072 * 8192L), ("prompt cache", 30 * Mega), ("working memory", 2 * 2 * 2048L * (20480 + 48000)), ("freed memory", 80 * Mega), ("process", 80 * Mega)],
            parts.Select(part => (part.Name, part.Bytes.Bytes)));
    }

    // Parameters are of 2 bytes: the embedding and the head are 2 × 65536 × 1024 of them, 256 MB, which every rank holds whole.
    [Theory]
    [InlineData(2, 1, false, "llama", 256 + 322, 1.0 / 2)]
    [InlineData(4, 1, false, "llama", 256 + 161, 1.0 / 4)]
    [InlineData(4, 2, false, "llama", 256 + 161, 1.0 / 4)]
    [InlineData(2, 1, false, "deepseek_v3", 256 + 322, 1)] // its keys and values are one latent for all heads
    [InlineData(3, 1, true, "deepseek_v3", 256 + 322, 2.0 / 4)] // four layers: 2, 1 and 1
    public void MlxLm_RanksOnSeveralHosts_CountWithTheirShareHere(int ranks, int here, bool pipeline, string architecture, int weights, double cache)
    {
        var hosts = Enumerable.Range(0, ranks).Select(rank => new RankHost($"10.0.0.{(rank < here ? 0 : rank)}", []));
        var facts = Facts with { Architecture = architecture, Parameters = 500 * Mega };
        var model = Model(KindNames.MlxLm) with { Facts = facts, Distributed = new DistributedSpec { Hosts = ValueList.From(hosts), Pipeline = pipeline } };
        var shape = new LaunchShape { Context = 3000, PromptCache = Megabytes(30) };
        var parts = new MlxLmMemory(writesScores: false).PartsOf(model, facts, shape);

        Assert.Equal(
            [
                ("weights", here * weights * Mega), ("KV cache", (long)(here * cache * 3072 * 8192L)), ("prompt cache", (long)(here * cache * 30 * Mega)), ("working memory", here * 80 * Mega),
                ("freed memory", here * 80 * Mega), ("process", here * 80 * Mega), ("launcher", 25 * Mega),
            ],
            parts.Select(part => (part.Name, part.Bytes.Bytes)));
    }

    [Fact]
    public void MlxLm_RanksWithLayersOfTheirOwn_KeepPromptsByNumberAndNotByBytes()
    {
        var model = Model(KindNames.MlxLm) with { Distributed = new DistributedSpec { Hosts = [new("a", []), new("b", [])], Pipeline = true } };

        Assert.All(new MemoryEstimator(new MemoryOptions()).NeedsOf(model)!, need => Assert.Null(need.Shape.PromptCache));
        Assert.NotNull(new MemoryEstimator(new MemoryOptions()).NeedsOf(model with { Distributed = model.Distributed with { Pipeline = false } })![0].Shape.PromptCache);
    }

    [Fact]
    public void MlxLm_ShortConversations_KeepNoMoreThanThereIs()
    {
        var parts = new MlxLmMemory(writesScores: false).PartsOf(Model(KindNames.MlxLm), Facts, new LaunchShape { Context = 100, PromptCache = Megabytes(1000) });

        // Four prompts of 100 tokens; and what is freed cannot be more than what was taken.
        Assert.Equal(4 * 100 * 8192L, parts.Single(part => part.Name == "prompt cache").Bytes.Bytes);
        Assert.Equal((256 * 8192L) + (2 * 100 * 20480L), parts.Single(part => part.Name == "freed memory").Bytes.Bytes);
    }

    [Fact]
    public void MlxLm_Window_HoldsTheStepThatIsRead()
    {
        var facts = Facts with { Cache = new CacheLayout([new CacheLayers(1, 1000, Window: 1024)]) };

        Assert.Equal(2000 * 3072L, new MlxLmMemory(false).PartsOf(Model(KindNames.MlxLm), facts, new LaunchShape { Context = 10_000 }).Single(part => part.Name == "KV cache").Bytes.Bytes);
    }

    [Theory]
    [InlineData(ModelUse.Embedding, 512, 512 * 8)] // of sixteen that are read together, MLX works on eight at a time
    [InlineData(ModelUse.Reranking, 512, 512 * 8)]
    [InlineData(ModelUse.Embedding, 40960, 8192)] // the engine cuts off what is longer
    public void MlxVlm_ModelThatReadsWholeTexts_KeepsNothingOfThem(ModelUse use, int window, int tokens)
    {
        var model = Model(KindNames.MlxVlm) with { Facts = Facts with { Use = use, ContextWindow = window } };
        var shape = Assert.Single(ShapeLadder.Of(model, model.Facts, new MlxVlmMemory(writesScores: false), 2048).Distinct());
        var parts = new MlxVlmMemory(writesScores: false).PartsOf(model, model.Facts, shape);

        var work = 2L * tokens * 20 * 1024;
        Assert.Equal((Math.Min(window, 8192), null), (shape.Context, shape.Lowered));
        Assert.Equal([("weights", 1000 * Mega), ("working memory", work), ("freed memory", work), ("process", 137 * Mega)], parts.Select(part => (part.Name, part.Bytes.Bytes)));
    }

    [Theory]
    [InlineData(ModelUse.Speech, 512)]
    [InlineData(ModelUse.Transcription, 512)]
    [InlineData(ModelUse.Images, 3072)]
    public void MlxVlm_ModelOfSoundOrImages_HasAGuessAndNoContext(ModelUse use, int work)
    {
        var model = Model(KindNames.MlxVlm) with { Facts = new ModelFacts { Use = use, TensorBytes = Megabytes(1000) } };
        var shape = Assert.Single(ShapeLadder.Of(model, model.Facts!, new MlxVlmMemory(writesScores: false), 2048).Distinct());

        Assert.Null(shape.Context);
        Assert.Equal(Megabytes(1000 + (2 * work) + 137), ByteSizeOf(new MlxVlmMemory(writesScores: false).PartsOf(model, model.Facts!, shape)));
    }

    [Fact]
    public void MlxVlm_Model_HasItsTowersAndNobodyBoundsItsPool()
    {
        var parts = new MlxVlmMemory(writesScores: false).PartsOf(Model(KindNames.MlxVlm), Facts, new LaunchShape { Context = 32768 });
        var work = 2 * 2048 * 20480L;

        Assert.Equal(
            [("weights", 1000 * Mega), ("KV cache", 256 * Mega), ("working memory", work), ("freed memory", (256 * Mega) + work), ("process", 137 * Mega)],
            parts.Select(part => (part.Name, part.Bytes.Bytes)));
    }

    [Fact]
    public void NeedsOf_ModelOrEngineThatIsNotKnown_IsNull()
    {
        var estimator = new MemoryEstimator(new MemoryOptions());

        Assert.Null(estimator.NeedsOf(Model(KindNames.Command)));
        Assert.Null(estimator.NeedsOf(Model(KindNames.MlxLm) with { Facts = null, FileBytes = Megabytes(10) }));
        Assert.Null(estimator.NeedsOf(Model(KindNames.MlxLm) with { Facts = new ModelFacts() }));
        Assert.NotNull(estimator.NeedsOf(Model(KindNames.MlxLm) with { Facts = new ModelFacts(), FileBytes = Megabytes(10) }));
    }

    private const long Mega = 1 << 20;

    private static ModelSpec Model(string runner) => new() { Id = "m", Runner = runner, Facts = Facts };

    private static ByteSize Megabytes(double value) => ByteSize.FromMegabytes(value);

    private static (string Name, long Bytes)[] Parts(MemoryNeed need) => [.. need.Parts.Select(part => (part.Name, part.Bytes.Bytes))];

    private static long Part(MemoryNeed need, string name) => need.Parts.Single(part => part.Name == name).Bytes.Bytes;
}
