using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Memory.Engines;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>What each option of <c>llama-server</c> costs. The sizes are those that the real program logged (<c>-lv 5</c>) for models of these facts, in MB; it allocates some bytes more.</summary>
public sealed class LlamaServerMemoryTests
{
    // 100 MB of weights, of the generator of tiny models: --layers 4 --heads 8 --kv-heads 4 --head-dim 64 --context 8192.
    private static readonly ModelFacts Facts = new()
    {
        TensorBytes = ByteSize.FromMegabytes(106), Cache = new CacheLayout([new CacheLayers(4, 512)]), ContextWindow = 8192, HiddenSize = 512, FeedForwardSize = 8533, AttentionHeads = 8, QuerySize = 512, VocabularySize = 263,
    };

    // --layers 2 --heads 4 --kv-heads 2 --head-dim 64, 30 MB.
    private static readonly ModelFacts DraftFacts = new()
    {
        TensorBytes = ByteSize.FromMegabytes(32), Cache = new CacheLayout([new CacheLayers(2, 256)]), ContextWindow = 4096, HiddenSize = 512, FeedForwardSize = 5120, AttentionHeads = 4, QuerySize = 256, VocabularySize = 263,
    };

    // bert, 6 layers.
    private static readonly ModelFacts Reader = new()
    {
        Use = ModelUse.Embedding, Architecture = "bert", Pooling = 1, TensorBytes = ByteSize.FromMegabytes(80), Cache = new CacheLayout([]), ContextWindow = 4096, HiddenSize = 512, FeedForwardSize = 2048, AttentionHeads = 8, VocabularySize = 57,
    };

    [Theory]
    [InlineData("", 32.0, 62.0)]
    [InlineData("-c 0", 32.0, 62.0)]
    [InlineData("-c 16384", 64.0, 70.0)]
    [InlineData("-c 4096 -np 4", 16.0, 55.0)]
    [InlineData("-c 4096 -np 4 -kvu", 16.0, 58.0)]
    [InlineData("-c 4096 -no-kvu", 16.0, 58.0)]
    [InlineData("-c 4000 -np 3", 18.0, 55.6)]
    [InlineData("--kv-unified-per-slot 1000 -np 3", 12.0, 55.1)]
    [InlineData("-c 4096 -ub 1024", 16.0, 116.0)]
    [InlineData("-c 4096 -b 256", 16.0, 29.0)]
    [InlineData("-c 4096 -ub 2048 -b 2048", 16.0, 232.0)]
    [InlineData("-c 1024 -ub 0", 4.0, 110.0)]
    [InlineData("-c 4096 -fa off", 16.0, 78.0)]
    [InlineData("-c 4096 -fa off -np 4", 16.0, 56.0)]
    [InlineData("-c 4096 -ctk f32 -ctv f32", 32.0, 57.0)]
    [InlineData("-c 4096 -ctk bf16 -ctv bf16", 16.0, 58.0)]
    [InlineData("-c 4096 -ctk q8_0 -ctv q8_0", 8.5, 57.0)]
    [InlineData("-c 4096 -ctk q5_1 -ctv q5_1", 6.0, 57.0)]
    [InlineData("-c 4096 -ctk q5_0 -ctv q5_0", 5.5, 57.0)]
    [InlineData("-c 4096 -ctk q4_1 -ctv q4_1", 5.0, 57.0)]
    [InlineData("-c 4096 -ctk q4_0 -ctv q4_0", 4.5, 57.0)]
    [InlineData("-c 4096 -ctk iq4_nl -ctv iq4_nl", 4.5, 57.0)]
    [InlineData("-c 4096 -ctk q8_0", 12.25, 58.0)]
    [InlineData("-c 4096 -ctv q8_0", 12.25, 57.0)]
    [InlineData("LLAMA_ARG_CTX_SIZE=2048", 8.0, 56.0)]
    [InlineData("LLAMA_ARG_CTX_SIZE=2048 LLAMA_ARG_N_PARALLEL=2", 8.0, 55.0)]
    [InlineData("LLAMA_ARG_CTX_SIZE=2048 LLAMA_ARG_N_PARALLEL=2 LLAMA_ARG_KV_UNIFIED=1", 8.0, 56.0)]
    [InlineData("LLAMA_ARG_CTX_SIZE=4096 LLAMA_ARG_FLASH_ATTN=off", 16.0, 78.0)]
    public void Options_OfTheCache_CostWhatTheProgramSays(string args, double cache, double work)
    {
        var parts = PartsOf(Model(args));

        Assert.Equal(cache, parts.GetValueOrDefault(PartNames.Cache), 0.01);
        Assert.Equal(work, parts[PartNames.Work], 0.02 * work);
    }

    [Theory]
    [InlineData("", 0.0)]
    [InlineData("-cram 100", 100.0)]
    [InlineData("--cache-ram -1", 8192.0)]
    [InlineData("LLAMA_ARG_CACHE_RAM=7", 7.0)]
    public void CacheRam_AsItIsSaid_IsThePromptCache(string args, double expected) => Assert.Equal(expected, PartsOf(Model(args)).GetValueOrDefault(PartNames.Prompts));

    [Theory]
    [InlineData("-c 2048", 35.5, 2.0)]
    [InlineData("-c 2048 -np 2", 34.5, 2.0)]
    [InlineData("-c 2048 -ctkd q8_0 -ctvd q8_0", 35.5, 1.0625)]
    public void Draft_HasWeightsCellsAndWorkOfItsOwn(string args, double work, double cache)
    {
        var model = Model(args) with { Attached = [new AttachedFile(Attachment.Draft, "/d.gguf", ByteSize.FromMegabytes(33)) { Facts = DraftFacts }, new AttachedFile(Attachment.Adapter, "/l.gguf", ByteSize.FromMegabytes(16))] };
        var parts = PartsOf(model);

        Assert.Equal(32 + work + cache, parts[PartNames.Draft], 0.1);
        Assert.Equal(16, parts[PartNames.Adapters]);
    }

    [Fact]
    public void GuessesFromATable_TakeTheTable() => Assert.Equal(16, PartsOf(Model("--spec-type ngram-mod"))[PartNames.Draft]);

    [Theory]
    [InlineData("-ub 512", 7.5)]
    [InlineData("", 88.0)] // a step as long as its context
    public void ModelThatOnlyReads_HasNoCacheAndAMaskOverItsStep(string args, double work)
    {
        var parts = PartsOf(Model(args) with { Facts = Reader });

        Assert.Equal(work, parts[PartNames.Work], 0.01 * work);
        Assert.Equal([PartNames.Process, PartNames.Weights, PartNames.Work], parts.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ModelThatTakesInputsWhole_HasAContextThatAStepCanHold()
    {
        var engine = new LlamaServerMemory();
        var facts = Reader with { ContextWindow = 32768 };
        var model = Model("") with { Facts = facts };
        var shape = new LaunchShape { Context = 32768 };

        Assert.Equal((8192, ByteSize.Zero), (engine.Heed(model, facts, shape).Context, engine.Heed(model, facts, shape).PromptCache));
        Assert.Equal(32768, engine.Heed(model with { Context = 32768 }, facts, shape).Context);
        Assert.Equal(16384, engine.Heed(model with { Args = ["-c", "16384"] }, facts, shape).Context);
        Assert.Null(ShapeLadder.Of(model, facts, engine, 4096).First().Lowered);
    }

    // 336 / 14 squared pieces × (1024 + 3 × 256) values; the program says 3.5 MB.
    [Fact]
    public void Projector_IsItsFileAndTheReadingOfAnImage()
    {
        var eyes = new ModelFacts { HiddenSize = 256, FeedForwardSize = 1024, ImageTokens = 576 };
        var named = Model("") with { Attached = [new AttachedFile(Attachment.Projector, "/e.gguf", ByteSize.FromMegabytes(9)) { Facts = eyes }] };
        var beside = Model("") with { Projector = "/e.gguf", ProjectorFacts = eyes, FileBytes = ByteSize.FromMegabytes(115) };

        Assert.Equal((12.94, 12.94), (Math.Round(PartsOf(named)[PartNames.Projector], 2), Math.Round(PartsOf(beside)[PartNames.Projector], 2)));
    }

    private static ModelSpec Model(string args)
    {
        var words = args.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new ModelSpec
        {
            Id = "m", Runner = KindNames.LlamaServer, Facts = Facts,
            Args = ValueList.From(words.Where(word => !word.StartsWith("LLAMA", StringComparison.Ordinal))),
            Env = new ValueMap(words.Where(word => word.StartsWith("LLAMA", StringComparison.Ordinal)).Select(word => KeyValuePair.Create(word.Split('=')[0], word.Split('=')[1]))),
        };
    }

    private static Dictionary<string, double> PartsOf(ModelSpec model)
    {
        var engine = new LlamaServerMemory();
        var shape = engine.Heed(model, model.Facts!, new LaunchShape { Context = model.Facts!.ContextWindow, PromptCache = ByteSize.Zero });
        return engine.PartsOf(model, model.Facts!, shape).ToDictionary(part => part.Name, part => part.Bytes.Bytes / (double)(1 << 20));
    }
}
