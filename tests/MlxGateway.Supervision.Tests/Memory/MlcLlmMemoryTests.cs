using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Memory.Engines;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>Parts by numbers that were worked out by hand from the engine's own formula. Nothing was measured.</summary>
public sealed class MlcLlmMemoryTests
{
    private const long Mega = 1 << 20;

    // 4 layers that keep 1024 values for each token: 8 KB a token in 16 bits, and 1.25 bytes.
    private static readonly ModelFacts Facts = new()
    {
        TensorBytes = ByteSize.FromMegabytes(1000), Cache = new CacheLayout([new CacheLayers(4, 1024)]), ContextWindow = 32768, HiddenSize = 1024, FeedForwardSize = 4096, AttentionHeads = 16, VocabularySize = 65536, PromptStep = 2048, MostSequences = 80,
    };

    private static readonly MlcLlmMemory Engine = new(static () => ByteSize.FromGigabytes(4), isMetal: false);

    [Fact]
    public void PartsOf_LocalMode_IsTheEnginesOwnFormula()
    {
        var parts = Engine.PartsOf(Model(), Facts, new LaunchShape { Context = 8192 }).ToDictionary(part => part.Name, part => part.Bytes.Bytes);

        // Attention: 48 MB, 2048 × 17 × 8 and 2048 × (1024 + 512) × 4. Steps: 2048 × 4 and (4096 + 4) × 1024 × 2. Choice: 4 × 65536 × 16.125. Between layers: 2048 × (3 × 4096 + 2 × 1024) × 2.
        Assert.Equal(1000 * Mega, parts["weights"]);
        Assert.Equal((long)(8192 * 8193.25), parts["KV cache"]);
        Assert.Equal((48 * Mega) + (2048 * 17 * 8) + (2048 * 1536 * 4) + (2048 * 4) + (4100 * 1024 * 2) + (4 * 65536 * 16125L / 1000) + (2048L * 14336 * 2), parts["working memory"]);
        Assert.Equal(400 * Mega, parts["process"]);
    }

    [Theory]
    [InlineData(MlcMode.Local, false, 8192, 1)]
    [InlineData(MlcMode.Interactive, false, 32768, 1)]
    [InlineData(MlcMode.Interactive, true, 32768, 1)]
    [InlineData(MlcMode.Server, true, 32768, 1)] // Metal holds no more
    [InlineData(MlcMode.Server, false, 32768, 8)] // 0.85 of 4 GB, less weights and work, has room for 269,000 tokens
    public void Shapes_OfAMode_BeginWithWhatTheEngineMakesRoomFor(MlcMode mode, bool isMetal, int context, int conversations)
    {
        var best = ShapeLadder.Of(Model(new() { Mode = mode }), Facts, new MlcLlmMemory(static () => ByteSize.FromGigabytes(4), isMetal), 4096).First();

        Assert.Equal((context, conversations, null), (best.Context, best.Conversations, best.Lowered));
        Assert.Null(MlcCapacity.Told(Model(new() { Mode = mode }), best)); // it does so by itself
    }

    [Fact]
    public void Shapes_ThatDoNotFit_AreLoweredAndTold()
    {
        var server = Model(new() { Mode = MlcMode.Server });
        var shapes = ShapeLadder.Of(server, Facts, Engine, 4096).Where(shape => shape.Lowered is not null).ToList();

        Assert.Equal([(32768, 4), (32768, 1), (16384, 1), (8192, 1), (4096, 1)], shapes.Select(shape => (shape.Context!.Value, shape.Conversations)).Distinct());
        Assert.Equal([131072, 32768, 16384, 8192, 4096], shapes.Select(shape => MlcCapacity.Told(server, shape)).Distinct());
    }

    [Fact]
    public void Shapes_WhatIsConfigured_IsToldAsItIs()
    {
        var configured = Model() with { Context = 16384, MaxConcurrency = 2 };
        var best = ShapeLadder.Of(configured, Facts, Engine, 4096).First();
        Assert.Equal((16384, 2, 32768), (best.Context, best.Conversations, MlcCapacity.Told(configured, best)));

        // The user's word for all tokens is counted, and nothing else is said.
        foreach (var model in new[] { Model(new() { MaxTotalSequenceLength = 65536 }), Model() with { Args = ["--overrides", "max_num_sequence=9;max_total_seq_length=65536"] } })
        {
            var only = Assert.Single(new MemoryEstimator(new MemoryOptions()).NeedsOf(model)!);
            Assert.Equal((32768, 2, (int?)null), (only.Shape.Context, only.Shape.Conversations, MlcCapacity.Told(model, only.Shape)));
            Assert.Equal((long)(65536 * 8193.25), only.Parts.Single(part => part.Name == "KV cache").Bytes.Bytes);
        }

        Assert.Null(MlcCapacity.Told(Model() with { Args = ["--overrides", "max_num_sequence=9"], Context = 4096 }, new LaunchShape { Context = 4096 }));
    }

    [Fact]
    public void PartsOf_ModelThatGuessesAhead_HasItsWeightsAndItsKeys()
    {
        var parts = Engine.PartsOf(Model(new() { SpeculativeMode = MlcSpeculation.SmallDraft, AdditionalModels = ["/d"], AdditionalBytes = ByteSize.FromMegabytes(500) }), Facts, new LaunchShape { Context = 4096 }).ToDictionary(part => part.Name, part => part.Bytes.Bytes);

        Assert.Equal((1500 * Mega, (long)(4096 * 8193.25 * 1.5)), (parts["weights"], parts["KV cache"]));
    }

    private static ModelSpec Model(MlcSettings? mlc = null) => new() { Id = "m", Runner = KindNames.MlcLlm, Facts = Facts, Mlc = mlc };
}
