using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class LlamaArgumentsTests
{
    [Theory]
    [InlineData("-c 5", "", 5)]
    [InlineData("--ctx-size 5", "", 5)]
    [InlineData("--ctx-size=5", "", 5)]
    [InlineData("--ctx_size 5", "", 5)] // as the program reads it
    [InlineData("-c=5", "", 5)]
    [InlineData("-c 4 --ctx-size 5", "", 5)]
    [InlineData("", "LLAMA_ARG_CTX_SIZE=5", 5)]
    [InlineData("-c 5", "LLAMA_ARG_CTX_SIZE=4", 5)]
    [InlineData("", "LLAMA_ARG_CTX_SIZE=${MLXGATEWAY_TESTS_NO_SUCH_VARIABLE}5", 5)]
    [InlineData("-c", "", null)]
    [InlineData("-c five", "", null)]
    [InlineData("-np 5", "LLAMA_ARG_N_PARALLEL=5", null)]
    public void Number_HoweverItIsSaid_IsWhatTheProgramTakes(string args, string variable, int? expected) =>
        Assert.Equal(expected, Of(args, variable).Number(LlamaFlags.Context));

    [Theory]
    [InlineData("", "", null)]
    [InlineData("-kvu", "", true)]
    [InlineData("--kv-unified --no-kv-unified", "", false)]
    [InlineData("-no-kvu -kvu", "", true)]
    [InlineData("", "LLAMA_ARG_KV_UNIFIED=1", true)]
    [InlineData("", "LLAMA_ARG_KV_UNIFIED=off", false)]
    [InlineData("", "LLAMA_ARG_NO_KV_UNIFIED=1", false)]
    [InlineData("-kvu", "LLAMA_ARG_NO_KV_UNIFIED=1", true)]
    public void IsOn_TheLastWord_Counts(string args, string variable, bool? expected) => Assert.Equal(expected, Of(args, variable).IsOn(LlamaFlags.Unified));

    [Fact]
    public void Words_FlagAndValueInOne_AreTwoAndAllElseIsAsItWas() => Assert.Equal(
        ["--override-kv", "a.b=int:1", "--chat-template-kwargs", "{\"a_b\":\"c=d\"}", "-ot", "blk=CPU", "--spec-type", "a=b", "--no-webui", "-", "=", "-1=2"],
        Of(["--override-kv=a.b=int:1", "--chat_template_kwargs", "{\"a_b\":\"c=d\"}", "-ot", "blk=CPU", "--spec-type=a=b", "--no_webui", "-", "=", "-1=2"]).Words);

    // Whatever is written, nothing is lost, and nothing is read that was not said.
    [Fact]
    public void Words_OfAnything_KeepWhatWasSaidAndSayItAgain()
    {
        var random = new Random(7);
        string[] pieces = ["-c", "--ctx-size", "=", "5", "_", "-", "--", "a", "", " ", "-np", "\0", "é", ",", "--lora"];
        for (var i = 0; i < 20_000; i++)
        {
            var args = Enumerable.Range(0, random.Next(5)).Select(_ => string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => pieces[random.Next(pieces.Length)]))).ToList();
            var words = Of(args).Words;

            Assert.Equal(string.Concat(args).Replace("=", "").Replace('_', '-'), string.Concat(words).Replace("=", "").Replace('_', '-'));
            Assert.Equal(args.Exists(arg => arg.Split('=')[0] is "-c" or "--ctx-size" or "--ctx_size") || words.Any(word => word is "-c" or "--ctx-size"), Of(args).Has(LlamaFlags.Context));
            _ = LlamaFiles.Named(Of(args), "/folder").ToList();
        }
    }

    [Theory]
    [InlineData(ModelUse.Chat, null, "", "chats")]
    [InlineData(ModelUse.Chat, null, "--embeddings", "chats vectors whole")]
    [InlineData(ModelUse.Chat, null, "--embeddings --pooling last", "chats vectors")]
    [InlineData(ModelUse.Embedding, "bert", "", "vectors whole")]
    [InlineData(ModelUse.Embedding, "qwen3", "", "vectors")] // its vector is the last token's
    [InlineData(ModelUse.Embedding, "qwen3", "--pooling mean", "vectors whole")]
    [InlineData(ModelUse.Reranking, "bert", "", "ranks whole")]
    [InlineData(ModelUse.Reranking, "qwen3", "", "ranks whole")]
    public void Use_OfFactsAndArguments_IsWhatTheProgramIsTold(ModelUse use, string? architecture, string args, string expected)
    {
        var model = new ModelSpec { Id = "m", Runner = "llama_server", Facts = new ModelFacts { Use = use, Architecture = architecture, Pooling = architecture == "qwen3" && use == ModelUse.Embedding ? 3 : 1 } };
        var found = LlamaUse.Of(model, Of(args, ""));

        Assert.Equal(expected, string.Join(' ', new[] { found.Chats ? "chats" : null, found.MakesVectors ? "vectors" : null, found.Ranks ? "ranks" : null, found.TakesWholeInputs ? "whole" : null }.OfType<string>()));
    }

    // As the real program divides it; its log says n_slots, n_ctx_seq and the cells of each cache.
    [Theory]
    [InlineData("", 8192, 1, 0, 4, 1, 8192, 512)]
    [InlineData("", 4096, 4, 4, 4, 4, 4096, 512)]
    [InlineData("-np 4", 1024, 4, 0, 4, 4, 1024, 512)]
    [InlineData("-np 4 -kvu", 4096, 1, 0, 4, 1, 4096, 512)]
    [InlineData("-no-kvu", 4096, 1, 0, 4, 1, 4096, 512)] // which it overlooks where it chooses the slots itself
    [InlineData("-np 3", 1333, 3, 0, 3, 3, 1536, 512)]
    [InlineData("--kv-unified-per-slot 1000 -np 3", 1000, 3, 0, 3, 3, 1024, 512)]
    [InlineData("--kv-unified-per-slot 1000", 1000, 4, 0, 4, 1, 4096, 512)]
    [InlineData("", 8192, 1, 1, 1, 1, 8192, 512)]
    [InlineData("-ub 1024", 4096, 1, 0, 4, 1, 4096, 1024)]
    [InlineData("-b 256", 4096, 1, 0, 4, 1, 4096, 256)]
    [InlineData("-ub 0", 1000, 1, 0, 4, 1, 1024, 1024)]
    [InlineData("--embeddings --pooling mean", 4096, 1, 0, 4, 1, 4096, 4096)]
    [InlineData("--embeddings --pooling mean -ub 512", 4096, 1, 0, 4, 1, 4096, 512)]
    public void Layout_OfArgumentsAndShape_IsTheProgramsOwn(string args, int context, int conversations, int most, int slots, int caches, int cells, int step)
    {
        var model = new ModelSpec { Id = "m", Runner = "llama_server", MaxConcurrency = most };

        Assert.Equal(new LlamaLayout(slots, caches, cells, step), LlamaLayout.Of(model, new LaunchShape { Context = context, Conversations = conversations }, Of(args, "")));
    }

    private static LlamaArguments Of(string args, string variable) => new(
        args.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        new ValueMap(variable.Length == 0 ? [] : [KeyValuePair.Create(variable[..variable.IndexOf('=')], variable[(variable.IndexOf('=') + 1)..])]));

    private static LlamaArguments Of(IReadOnlyList<string> args) => new(args, ValueMap.Empty);
}
