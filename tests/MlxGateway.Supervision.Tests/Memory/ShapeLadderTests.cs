using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>The ways in which models are launched, as lists: tokens × conversations, format, megabytes of kept prompts.</summary>
public sealed class ShapeLadderTests
{
    // 32 layers that keep 2048 values a token: 128 KB. As an 8B model has it.
    private static readonly ModelFacts Eight = new()
    {
        TensorBytes = ByteSize.FromGigabytes(4.5), Cache = new CacheLayout([new CacheLayers(32, 2048)]),
        ContextWindow = 131072, HiddenSize = 4096, FeedForwardSize = 14336, AttentionHeads = 32, VocabularySize = 128256,
    };

    private static readonly ModelSpec Llama = new() { Id = "m", Runner = KindNames.LlamaServer, Facts = Eight };
    private static readonly ModelSpec Mlx = Llama with { Runner = KindNames.MlxLm };
    private static readonly ModelSpec Vlm = Llama with { Runner = KindNames.MlxVlm };

    [Fact]
    public void LlamaServer_LongContext_GivesUpPromptsThenSixteenBitsThenLength() => Assert.Equal(
        [
            "131072x1 F16 2048", "131072x1 F16 512", "131072x1 Q8 512", "65536x1 Q8 512", "32768x1 Q8 512", "16384x1 Q8 272", "8192x1 Q8 136", "4096x1 Q8 68", "4096x1 Q8 0",
        ],
        Shapes(Llama));

    [Fact]
    public void LlamaServer_SeveralConversations_GivesThoseUpBeforeTheLength() => Assert.Equal(
        ["8192x4 F16 1024", "8192x4 F16 256", "8192x4 Q8 136", "8192x2 Q8 136", "8192x1 Q8 136", "4096x1 Q8 68", "4096x1 Q8 0"],
        Shapes(Llama with { Context = 8192, MaxConcurrency = 4 }));

    [Fact]
    public void MlxLm_Model_HasNoOtherFormat() => Assert.Equal(
        ["32768x1 F16 8192", "32768x1 F16 2048", "16384x1 F16 1024", "8192x1 F16 512", "4096x1 F16 256", "4096x1 F16 0"],
        Shapes(Mlx with { Context = 32768 }));

    [Fact]
    public void MlxVlm_Model_HasNoPromptCache() => Assert.Equal(
        ["32768x1 F16 -", "32768x1 Q8 -", "16384x1 Q8 -", "8192x1 Q8 -", "4096x1 Q8 -"],
        Shapes(Vlm with { Context = 32768 }));

    [Fact]
    public void Any_VeryLongContext_IsAShortListInOrderOfNeed()
    {
        foreach (var model in new[] { Llama, Mlx, Vlm })
        {
            var needs = new MemoryEstimator(new MemoryOptions()).NeedsOf(model with { Context = 10_485_760, MaxConcurrency = 8 })!;

            Assert.InRange(needs.Count, 5, 12);
            Assert.Equal(needs.OrderByDescending(need => need.Total), needs);
            Assert.Equal((10_485_760, 4096), (needs[0].Shape.Context, needs[^1].Shape.Context));
            Assert.Null(needs[0].Shape.Lowered);
            Assert.All(needs.Skip(1), need => Assert.NotNull(need.Shape.Lowered));
        }
    }

    [Theory]
    [InlineData(2048, null, 2048)] // what the model has is less than the minimum
    [InlineData(131072, 1000, 1000)] // what is configured is less
    [InlineData(131072, null, 4096)]
    [InlineData(6000, null, 4096)]
    public void Any_ShortestContext_IsTheMinimumOrTheModelsOwn(int window, int? context, int shortest) =>
        Assert.Equal(shortest, new MemoryEstimator(new MemoryOptions()).NeedsOf(Mlx with { Context = context, Facts = Eight with { ContextWindow = window } })![^1].Shape.Context);

    [Fact]
    public void Lowered_Shape_SaysWhatInOneSentence()
    {
        var needs = new MemoryEstimator(new MemoryOptions()).NeedsOf(Llama with { Context = 8192, MaxConcurrency = 4 })!;

        Assert.Equal(
            "So that the model fits in memory, a conversation has at most 4096 tokens instead of 8192, memory is set aside for 1 of them at once instead of 4, keys and values are kept in 8 bits instead of 16 and no earlier prompts are kept.",
            needs[^1].Shape.Lowered);
        Assert.Equal("So that the model fits in memory, only 256.00 MB of earlier prompts are kept.", needs[1].Shape.Lowered);
    }

    [Theory]
    [InlineData("--ctx-size 8192", "8192x1 F16 1024", "8192x1 Q8 0")]
    [InlineData("-c 8192 -np 4", "2048x4 F16 256", "2048x4 Q8 0")]
    [InlineData("-c 8192 -np 4 -kvu", "8192x1 F16 1024", "8192x1 Q8 0")]
    [InlineData("--ctx-size=16384 --cache-ram=100", "16384x1 F16 100", "16384x1 Q8 100")]
    [InlineData("-np 2 --cache-type-k q4_0", "131072x2 Q4 2048", "4096x2 Q4 0")]
    [InlineData("-fa off -cram 0", "131072x1 F16 0", "4096x1 F16 0")]
    [InlineData("-c 0 -cram -1", "131072x1 F16 8192", "131072x1 Q8 8192")]
    public void LlamaServer_Args_WinAndAreNotLowered(string args, string best, string least) => Ends(Llama, args, best, least);

    [Theory]
    [InlineData("--prompt-cache-bytes 1G", "131072x1 F16 953", "4096x1 F16 953")]
    [InlineData("--prompt-cache-bytes=1048576", "131072x1 F16 1", "4096x1 F16 1")]
    [InlineData("--prompt-cache-size 1", "131072x1 F16 16384", "4096x1 F16 512")]
    [InlineData("--kv-bits 8", "131072x1 Q8 17408", "4096x1 Q8 0")]
    public void MlxLm_Args_WinAndAreNotLowered(string args, string best, string least) => Ends(Mlx, args, best, least);

    [Theory]
    [InlineData("--max-kv-size 10000", "10000x1 F16 -", "10000x1 Q8 -")]
    [InlineData("--kv-bits 4", "131072x1 Q4 -", "4096x1 Q4 -")]
    public void MlxVlm_Args_WinAndAreNotLowered(string args, string best, string least) => Ends(Vlm, args, best, least);

    private static void Ends(ModelSpec model, string args, string best, string least)
    {
        var shapes = Shapes(model with { Args = ValueList.From(args.Split(' ')) });

        Assert.Equal((best, least), (shapes[0], shapes[^1]));
    }

    private static List<string> Shapes(ModelSpec model) =>
        [.. new MemoryEstimator(new MemoryOptions()).NeedsOf(model)!.Select(need => need.Shape).Select(s => $"{s.Context}x{s.Conversations} {s.CacheFormat} {(s.PromptCache is { } kept ? $"{kept.Bytes >> 20}" : "-")}")];
}
