using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Runners.Kinds;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>The command lines, argument by argument.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RunnerKindTests : IAsyncDisposable
{
    private static readonly string[] MlxLmArguments =
    [
        "--model", "/models/coder 4bit", "--host", "127.0.0.1", "--port", "20123", "--max-tokens", "1048576", "--prompt-cache-size", "4", "--allowed-origins", "none", "--temp", "0.5",
    ];

    private static readonly LaunchShape Shape = new() { Context = 8192, Conversations = 2, PromptCache = ByteSize.FromMegabytes(100), CacheFormat = CacheFormat.Q8 };

    private static readonly ModelFacts Forgetful = new() { Cache = new CacheLayout([new CacheLayers(1, 64, Window: 128)]), ContextWindow = 8192 };

    // As the list of flags of a version of 2026 has it, of one that takes no value for flash attention, and of one that knows none of this.
    private const string Help = """
        echo 'version: 1'
        test "$1" = --help || exit 0
        echo '-fa,   --flash-attn [on|off|auto]       set Flash Attention use'
        echo '-ctk,  --cache-type-k TYPE              KV cache data type for K, see --no-such-flag'
        echo '-ctv,  --cache-type-v TYPE              KV cache data type for V'
        seq 1000
        echo '-cram, --cache-ram N                    set the maximum cache size in MiB'
        echo '-ctxcp, --ctx-checkpoints, --swa-checkpoints N'
        """;

    private static readonly Dictionary<string, string> OfflineVariables = new()
    {
        ["HF_HUB_OFFLINE"] = "1", ["TRANSFORMERS_OFFLINE"] = "1", ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1", ["TOKENIZERS_PARALLELISM"] = "false", ["PYTHONUNBUFFERED"] = "1", ["MALLOC_MMAP_THRESHOLD_"] = "1048576",
    };

    private readonly Nursery _nursery = new();

    public static TheoryData<string> OddIds => ["--host", "-h", "a b", "a'b\"c", "$(reboot)", "`reboot`", "; reboot", "org/name:tag", "€𝄞", "{port}", "--port=1"];

    [Fact]
    public async Task LlamaServer_Plan_IsItsCommandLine()
    {
        var plan = await PlanAsync(LlamaServer(), new ModelSpec { Id = "org/coder", Runner = "llama_server", Path = "/models/coder q4.gguf", Args = ["--ctx-size", "8192"] });

        Assert.Equal(_nursery.In("llama-server"), plan.Executable);
        Assert.Equal(["--model", "/models/coder q4.gguf", "--host", "127.0.0.1", "--port", "20123", "--no-webui", "--alias", "org/coder", "--ctx-size", "8192"], plan.Arguments);
        Assert.Equal(["/v1/models", "/health"], plan.ReadyPaths);
        Assert.Empty(plan.Environment);
    }

    // Everybody on the machine can read a command line.
    [Fact]
    public async Task Plan_OfAnEngineThatCanAskForASecret_HasANewOneEachTimeThatIsInNoArgument()
    {
        (Func<IRunnerKind> KindOf, string Runner, string Path, string Variable)[] all =
        [
            (LlamaServer, "llama_server", "/m.gguf", "LLAMA_API_KEY"), (MlxLm, "mlx_lm", "/m", "MLXGATEWAY_RUNNER_SECRET"), (MlxVlm, "mlx_vlm", "/m", "MLX_VLM_SERVER_API_KEY"),
        ];
        foreach (var (kindOf, runner, path, variable) in all)
        {
            var kind = kindOf();
            var (one, other) = (await PlanAsync(kind, new ModelSpec { Id = "m", Runner = runner, Path = path }), await PlanAsync(kind, new ModelSpec { Id = "m", Runner = runner, Path = path }));

            Assert.Equal(variable, one.Secret!.Variable);
            Assert.Matches("^[0-9a-f]{64}$", one.Secret.Value);
            Assert.NotEqual(one.Secret.Value, other.Secret!.Value);
            Assert.DoesNotContain(one.Secret.Value, string.Join(' ', one.Arguments) + one.Secret, StringComparison.Ordinal);
            Assert.Null(one.Fallback?.Plan.Secret); // what knows of no secret is not told one
        }
    }

    [Theory]
    [InlineData("--api-key given", "", "given")]
    [InlineData("", "given", "given")]
    [InlineData("--api-key given,other", "", "given")]
    [InlineData("", "given,other", "given")]
    public async Task LlamaServer_TheUsersOwnKey_IsTheSecret(string args, string variable, string? expected)
    {
        var plan = await PlanAsync(LlamaServer(), new ModelSpec
        {
            Id = "m", Runner = "llama_server", Path = "/m.gguf",
            Args = ValueList.From(args.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
            Env = new ValueMap(variable.Length == 0 ? [] : [new("LLAMA_API_KEY", variable)]),
        });

        Assert.Equal(expected, plan.Secret?.Value);
    }

    [Theory]
    [InlineData("--api-key given", "given")]
    [InlineData("--api-key=given", "given")]
    public async Task MlxVlm_TheUsersOwnKey_IsTheSecret(string args, string expected)
    {
        var plan = await PlanAsync(MlxVlm(), new ModelSpec { Id = "m", Runner = "mlx_vlm", Path = "/m", Args = ValueList.From(args.Split(' ')) });

        Assert.Equal(new LaunchSecret("MLX_VLM_SERVER_API_KEY", expected), plan.Secret);
    }

    // It takes the keys of a file beside that of the variable, so that nobody need read the file.
    [Fact]
    public async Task LlamaServer_FileOfKeys_IsBesideTheSecretOfTheLaunch() =>
        Assert.Matches("^[0-9a-f]{64}$", (await PlanAsync(LlamaServer(), new ModelSpec { Id = "m", Runner = "llama_server", Path = "/m.gguf", Args = ["--api-key-file", "/keys"] })).Secret!.Value);

    [Theory]
    [InlineData("", "--cors-origins none")]
    [InlineData("--cors-origins=http://mine", "--cors-origins http://mine")]
    public async Task LlamaServer_VersionThatCanLeavePagesOut_IsToldTo(string args, string expected)
    {
        var executable = _nursery.Script("llama-server", Help + "\necho '--cors-origins ORIGINS   allowed origins'");
        var kind = new LlamaServer(new LlamaServerEngine(new EngineOptions { LlamaServer = { Executable = executable } }, new EngineProbe(_nursery.Children, TimeProvider.System)));
        var plan = await PlanAsync(kind, new ModelSpec { Id = "m", Runner = "llama_server", Path = "/m.gguf", Args = ValueList.From(args.Split(' ', StringSplitOptions.RemoveEmptyEntries)) });

        Assert.Equal(expected.Split(' '), plan.Arguments.Skip(9));
    }

    [Theory]
    [InlineData("--no-mmap -c 4096", "", "--load-mode none -c 4096")]
    [InlineData("--mlock", "", "--load-mode mmap+mlock")]
    [InlineData("--mlock --no-mmap", "", "--load-mode mlock")]
    [InlineData("--no_mmap --mmap", "", "--load-mode mmap")] // the last one counts
    [InlineData("-dio", "", "--load-mode dio")]
    [InlineData("--no-direct-io", "", "")]
    [InlineData("-lm none", "", "-lm none")]
    [InlineData("-lm mmap --mlock", "", "-lm mmap --mlock")] // it has said both, and hears what the program says to that
    [InlineData("", "LLAMA_ARG_NO_MMAP", "--load-mode none")]
    [InlineData("", "LLAMA_ARG_LOAD_MODE", "")]
    [InlineData("-c 4096", "", "-c 4096")]
    public async Task LlamaServer_VersionWithModesOfLoading_IsToldTheOlderSwitchesByThem(string args, string variable, string expected)
    {
        var kind = new LlamaServer(new LlamaServerEngine(new EngineOptions { LlamaServer = { Executable = _nursery.Script("llama-server", Help + "\necho '-lm,   --load-mode MODE    model loading mode'") } }, new EngineProbe(_nursery.Children, TimeProvider.System)));
        var plan = await PlanAsync(kind, new ModelSpec
        {
            Id = "m", Runner = "llama_server", Path = "/m.gguf", Args = ValueList.From(args.Split(' ', StringSplitOptions.RemoveEmptyEntries)), Env = new ValueMap(variable.Length == 0 ? [] : [new(variable, "1")]),
        });

        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), plan.Arguments.Skip(9));
    }

    [Theory]
    [InlineData("")]
    [InlineData("\necho '-lm,   --load-mode MODE'\necho '--mlock'\necho '--mmap, --no-mmap'")]
    public async Task LlamaServer_VersionThatHasTheOlderSwitches_IsToldThemAsTheyAre(string further)
    {
        var kind = new LlamaServer(new LlamaServerEngine(new EngineOptions { LlamaServer = { Executable = _nursery.Script("llama-server", Help + further) } }, new EngineProbe(_nursery.Children, TimeProvider.System)));
        var plan = await PlanAsync(kind, new ModelSpec { Id = "m", Runner = "llama_server", Path = "/m.gguf", Args = ["--no-mmap", "--mlock"] });

        Assert.Equal(["--no-mmap", "--mlock"], plan.Arguments.Skip(9));
    }

    [Theory]
    [InlineData("", "", "--ctx-size 16384 --parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on --cache-ram 100 --ctx-checkpoints 4")]
    [InlineData(" [on|off|auto]", "", "--ctx-size 16384 --parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn --cache-ram 100 --ctx-checkpoints 4")]
    [InlineData("--cache-type-k", "", "--ctx-size 16384 --parallel 2 --cache-ram 100 --ctx-checkpoints 4")]
    [InlineData("--cache-ram", "", "--ctx-size 16384 --parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on --ctx-checkpoints 4")]
    [InlineData("echo", "", "--ctx-size 16384 --parallel 2")]
    [InlineData("", "-c 4096 -np 3", "--cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on --cache-ram 100 --ctx-checkpoints 4 -c 4096 -np 3")]
    [InlineData("", "--ctx-size=4096 -ctk q4_0 -cram 7 -ctxcp 1", "--parallel 2 --ctx-size 4096 -ctk q4_0 -cram 7 -ctxcp 1")] // it takes a flag and its value as two only
    [InlineData("", "-fa on", "--ctx-size 16384 --parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --cache-ram 100 --ctx-checkpoints 4 -fa on")]
    public async Task LlamaServer_Shape_IsSaidInWhatTheVersionKnowsAndTheUserDidNotSay(string unknown, string args, string expected)
    {
        var help = unknown switch { "" => Help, "echo" => "test \"$1\" = --version || exit 1\necho 'version: 1'", _ => Help.Replace(unknown, "", StringComparison.Ordinal) };
        var kind = new LlamaServer(new LlamaServerEngine(new EngineOptions { LlamaServer = { Executable = _nursery.Script("llama-server", help) } }, new EngineProbe(_nursery.Children, TimeProvider.System)));
        var model = new ModelSpec { Id = "m", Runner = "llama_server", Path = "/m.gguf", Facts = Forgetful, Args = ValueList.From(args.Split(' ', StringSplitOptions.RemoveEmptyEntries)) };
        var plan = await kind.PlanAsync(model, Shape, 20123, Nursery.Patience());

        Assert.Equal(expected.Split(' '), plan.Arguments.Skip(9));
    }

    [Theory]
    [InlineData("LLAMA_ARG_CTX_SIZE", "--parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on --cache-ram 100 --ctx-checkpoints 4")]
    [InlineData("LLAMA_ARG_N_PARALLEL", "--ctx-size 16384 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on --cache-ram 100 --ctx-checkpoints 4")]
    [InlineData("LLAMA_ARG_CACHE_TYPE_V", "--ctx-size 16384 --parallel 2 --cache-ram 100 --ctx-checkpoints 4")]
    [InlineData("LLAMA_ARG_FLASH_ATTN", "--ctx-size 16384 --parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --cache-ram 100 --ctx-checkpoints 4")]
    [InlineData("LLAMA_ARG_CACHE_RAM", "--ctx-size 16384 --parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on --ctx-checkpoints 4")]
    [InlineData("LLAMA_ARG_CTX_CHECKPOINTS", "--ctx-size 16384 --parallel 2 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on --cache-ram 100")]
    public async Task LlamaServer_WhatAVariableSays_IsNotSaidOverIt(string variable, string expected)
    {
        var kind = new LlamaServer(new LlamaServerEngine(new EngineOptions { LlamaServer = { Executable = _nursery.Script("llama-server", Help) } }, new EngineProbe(_nursery.Children, TimeProvider.System)));
        var plan = await kind.PlanAsync(new ModelSpec { Id = "m", Runner = "llama_server", Path = "/m.gguf", Facts = Forgetful, Env = new ValueMap([new(variable, "3")]) }, Shape, 20123, Nursery.Patience());

        Assert.Equal(expected.Split(' '), plan.Arguments.Skip(9));
    }

    [Theory]
    [InlineData(ModelUse.Embedding, "", "--embeddings --ctx-size 4096 --batch-size 4096 --ubatch-size 4096", "/v1/embeddings", "/detokenize /props /tokenize /v1/embeddings")]
    [InlineData(ModelUse.Embedding, "-ub 1024", "--embeddings --ctx-size 4096 -ub 1024", "/v1/embeddings", "/detokenize /props /tokenize /v1/embeddings")]
    [InlineData(ModelUse.Embedding, "--embedding --pooling last", "--ctx-size 4096 --batch-size 4096 --ubatch-size 4096 --embedding --pooling last", "/v1/embeddings", "/detokenize /props /tokenize /v1/embeddings")]
    [InlineData(ModelUse.Reranking, "", "--reranking --ctx-size 4096 --batch-size 4096 --ubatch-size 4096", "/v1/rerank", "/detokenize /props /tokenize /v1/rerank")]
    [InlineData(ModelUse.Chat, "", "--ctx-size 4096", "/v1/completions", null)]
    [InlineData(ModelUse.Chat, "--embeddings -b 8192", "--ctx-size 4096 --ubatch-size 4096 --embeddings -b 8192", "/v1/embeddings", null)]
    public async Task LlamaServer_ModelOfVectorsOrRanks_IsToldSoAndOffersAndIsAskedNothingElse(ModelUse use, string args, string expected, string question, string? offers)
    {
        var model = new ModelSpec
        {
            Id = "m", Runner = "llama_server", Path = "/m.gguf", Args = ValueList.From(args.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
            Facts = new ModelFacts { Use = use, Architecture = use == ModelUse.Chat ? "llama" : "bert", Pooling = 1, ContextWindow = 4096, Cache = new CacheLayout([]) },
        };
        var plan = await LlamaServer().PlanAsync(model, new LaunchShape { Context = 4096 }, 20123, Nursery.Patience());

        Assert.Equal(expected.Split(' '), plan.Arguments.Skip(9));
        Assert.Equal(question, plan.Question!.Path);
        var offered = LlamaServer().MannersFor(model).Offers!;
        Assert.Equal(offers is not null, !offered.Contains("/v1/chat/completions"));
        Assert.Equal(offers ?? string.Join(' ', offered.Order(StringComparer.Ordinal)), string.Join(' ', offered.Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData(0, 1, "--ctx-size 8192")] // a few share it
    [InlineData(4, 1, "--ctx-size 8192")] // it was lowered; they share it
    [InlineData(1, 1, "--ctx-size 8192 --parallel 1")]
    [InlineData(4, 4, "--ctx-size 32768 --parallel 4")] // each has its own
    public async Task LlamaServer_Conversations_HaveEachTheWholeContext(int maxConcurrency, int conversations, string expected)
    {
        var plan = await LlamaServer().PlanAsync(
            new ModelSpec { Id = "m", Runner = "llama_server", Path = "/m.gguf", MaxConcurrency = maxConcurrency }, new LaunchShape { Context = 8192, Conversations = conversations }, 20123, Nursery.Patience());

        Assert.Equal(expected.Split(' '), plan.Arguments.Skip(9));
    }

    [Theory]
    [InlineData("", "--prompt-cache-size 4 --prompt-cache-bytes 104857600")]
    [InlineData("--prompt-cache-size=2", "")]
    [InlineData("--prompt-cache-bytes 1G", "--prompt-cache-size 4")]
    public async Task MlxLm_Shape_IsSaidToTheCompanionAndWhatTheUserDidNotSayToTheEngine(string args, string expected)
    {
        var given = ValueList.From(args.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        var plan = await MlxLm().PlanAsync(new ModelSpec { Id = "m", Runner = "mlx_lm", Path = "/m", Args = given }, Shape, 20123, Nursery.Patience());
        string[] told = ["--model", "/m", "--host", "127.0.0.1", "--port", "20123", "--max-tokens", "1048576", .. expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--allowed-origins", "none", .. given];

        Assert.Equal(["--gateway-pool", "268435456", "--gateway-context", "8192", .. told], plan.Arguments.Skip(1));
        Assert.Equal(["-m", "mlx_lm", "server", .. told], plan.Fallback!.Plan.Arguments);
    }

    [Theory]
    [InlineData("", 4096, "--max-kv-size 4096 --kv-bits 8")]
    [InlineData("", 8192, "--kv-bits 8")] // the model's own length needs no saying
    [InlineData("--max-kv-size 2000 --kv-bits 4", 2000, "--max-kv-size 2000 --kv-bits 4")]
    public async Task MlxVlm_Shape_LimitsTheContext(string args, int context, string expected)
    {
        var model = new ModelSpec { Id = "m", Runner = "mlx_vlm", Path = "/m", Facts = Forgetful, Args = ValueList.From(args.Split(' ', StringSplitOptions.RemoveEmptyEntries)) };
        var plan = await MlxVlm().PlanAsync(model, Shape with { Context = context }, 20123, Nursery.Patience());

        Assert.Equal(expected.Split(' '), plan.Arguments.Skip(7));
    }

    [Fact]
    public async Task LlamaServer_IdWithAComma_IsNoAlias() =>
        Assert.DoesNotContain("--alias", (await PlanAsync(LlamaServer(), new ModelSpec { Id = "a,b", Runner = "llama_server", Path = "/m.gguf" })).Arguments);

    [Theory]
    [MemberData(nameof(OddIds))]
    public async Task LlamaServer_OddId_IsTheValueOfItsFlagAndNothingElse(string id)
    {
        var plan = await PlanAsync(LlamaServer(), new ModelSpec { Id = id, Runner = "llama_server", Path = "/m.gguf" });

        Assert.Equal(["--model", "/m.gguf", "--host", "127.0.0.1", "--port", "20123", "--no-webui", "--alias", id], plan.Arguments);
    }

    [Fact]
    public async Task LlamaServer_WithoutAFile_SaysWhatIsMissing()
    {
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => PlanAsync(LlamaServer(), new ModelSpec { Id = "m", Runner = "llama_server", Missing = "fetch it" }));

        Assert.Equal("fetch it", failed.Message);
    }

    [Fact]
    public void LlamaServer_Manners_CloseConnectionsAndTakeImagesOnlyWhereAModelSees()
    {
        var model = new ModelSpec { Id = "m", Runner = "llama_server" };

        Assert.Equal(("m", false), (LlamaServer().MannersFor(model).UpstreamModel, LlamaServer().MannersFor(model).ReusesConnections));
        Assert.True(LlamaServer().MannersFor(model).Rules?.IsTextOnly);
        Assert.Null(LlamaServer().MannersFor(model with { Modalities = ["text", "image"] }).Rules);
        Assert.Null(LlamaServer().MannersFor(model with { Args = ["--mmproj", "/eyes.gguf"] }).Rules);
    }

    [Fact]
    public async Task MlxLm_Plan_HostsTheEngineInTheCompanion()
    {
        var plan = await PlanAsync(MlxLm(), new ModelSpec { Id = "org/coder", Runner = "mlx_lm", Path = "/models/coder 4bit", Args = ["--temp", "0.5"] });

        Assert.Equal(_nursery.In("python3"), plan.Executable);
        Assert.Equal([Path.Combine(AppContext.BaseDirectory, "mlx_lm_companion.py"), "--gateway-pool", "268435456", .. MlxLmArguments], plan.Arguments);
        Assert.True(File.Exists(plan.Arguments[0]));
        Assert.Equal(["/v1/models", "/gateway/ready"], plan.ReadyPaths);
        Assert.Null(plan.Proof);
        Assert.Equal(OfflineVariables, plan.Environment);
    }

    [Fact]
    public async Task MlxLm_EngineThatCannotBeHosted_IsStartedByItself()
    {
        var fallback = (await PlanAsync(MlxLm(), new ModelSpec { Id = "org/coder", Runner = "mlx_lm", Path = "/models/coder 4bit", Args = ["--temp", "0.5"] })).Fallback!;

        Assert.Equal((74, _nursery.In("python3")), (fallback.ExitCode, fallback.Plan.Executable));
        Assert.Equal(["-m", "mlx_lm", "server", .. MlxLmArguments], fallback.Plan.Arguments);
        Assert.Equal(OfflineVariables, fallback.Plan.Environment);
        Assert.Equal(["/v1/models"], fallback.Plan.ReadyPaths);
        Assert.Equal(new ReadyProbe(HttpMethod.Post, "/v1/completions", """{"model":"default_model","prompt":"hi","max_tokens":1}"""), fallback.Plan.Proof);
        Assert.Null(fallback.Plan.Fallback);
    }

    [Fact]
    public async Task MlxLm_OnSeveralHosts_IsTheCommandLineOfTheLauncherAndOfItsRanks()
    {
        var model = new ModelSpec
        {
            Id = "m", Runner = "mlx_lm", Path = "/models/coder 4bit", Args = ["--temp", "0.5"], Env = new ValueMap([new("NOT_FOR_ALL", "secret")]),
            Distributed = new DistributedSpec
            {
                Hostfile = "/etc/hosts of mine.json", Hosts = [new("localhost", ["127.0.0.1"]), new("studio2", ["10.0.0.2"]), new("localhost", ["127.0.0.1"])],
                Backend = "jaccl", Pipeline = true, Env = new ValueMap([new("MLX_METAL_FAST_SYNCH", "1")]), StartingPort = 5000, Python = "/opt/python",
            },
        };
        var plan = await MlxLm().PlanAsync(model, Shape, 20123, Nursery.Patience());

        Assert.Equal(_nursery.In("python3"), plan.Executable);
        Assert.Equal(
            [
                Path.Combine(AppContext.BaseDirectory, "mlx_launch_companion.py"), "--gateway-program", Path.Combine(AppContext.BaseDirectory, "mlx_lm_companion.py"), "--gateway-local", "0,2",
                "--hostfile", "/etc/hosts of mine.json", "--backend", "jaccl", "--starting-port", "5000",
                .. OfflineVariables.SelectMany(variable => new[] { "--env", $"{variable.Key}={variable.Value}" }), "--env", "MLX_METAL_FAST_SYNCH=1",
                "--", "/opt/python", "--gateway-ranks", "3", "--gateway-pool", "268435456", "--gateway-context", "8192",
                "--model", "/models/coder 4bit", "--host", "127.0.0.1", "--port", "20123", "--max-tokens", "1048576", "--prompt-cache-size", "4", "--allowed-origins", "none", "--temp", "0.5", "--pipeline",
            ],
            plan.Arguments);
        Assert.True(File.Exists(plan.Arguments[0]));
        Assert.Equal(OfflineVariables, plan.Environment);
        Assert.Equal(["/v1/models", "/gateway/ready"], plan.ReadyPaths);
        Assert.Equal(new ReadyProbe(HttpMethod.Post, "/v1/completions", """{"model":"default_model","prompt":"hi","max_tokens":1}"""), plan.Proof);
        Assert.Equal(new ReadyProbe(HttpMethod.Post, "/gateway/alive", "{}"), plan.Question);
        Assert.True(plan is { WaitsBusily: true, Fallback: null, Spare: null });
        Assert.DoesNotContain(plan.Secret!.Value, string.Join(' ', plan.Arguments), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MlxLm_OnListedHosts_NamesEachOnceAndHasPortsOfItsOwnAtEachLaunch()
    {
        var model = new ModelSpec { Id = "m", Runner = "mlx_lm", Path = "/m", Distributed = new DistributedSpec { Hosts = [new("127.0.0.1", []), new("127.0.0.1", []), new("10.0.0.2", []), new("10.0.0.2", [])], RepeatHosts = 2 } };
        var (one, next) = (await MlxLm().PlanAsync(model, Shape, 20123, Nursery.Patience()), await MlxLm().PlanAsync(model, Shape, 20124, Nursery.Patience()));
        var nccl = await MlxLm().PlanAsync(model with { Distributed = model.Distributed with { Backend = "nccl" } }, Shape, 20123, Nursery.Patience());

        Assert.Equal(["0,1", "--hosts", "127.0.0.1,10.0.0.2", "--repeat-hosts", "2", "--backend", "ring", "--starting-port", "14240"], one.Arguments.Skip(4).Take(9));
        Assert.Equal("14304", next.Arguments[12]);
        Assert.Equal(["nccl", "--nccl-port", "14240"], nccl.Arguments.Skip(10).Take(3));
        Assert.Contains(_nursery.In("python3"), one.Arguments);

        // A part of every layer: half of all that is kept, in each of two ranks a quarter.
        Assert.Equal("26214400", one.Arguments[one.Arguments.ToList().IndexOf("--prompt-cache-bytes") + 1]);
    }

    [Fact]
    public async Task MlxLm_FirstHostIsAnotherMachine_SaysSo()
    {
        var model = new ModelSpec { Id = "m", Runner = "mlx_lm", Path = "/m", Distributed = new DistributedSpec { Hosts = [new("no-such.example", ["203.0.113.7"]), new("localhost", [])] } };
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => PlanAsync(MlxLm(), model));

        Assert.Contains("\"no-such.example\", is not this machine", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Studio1.local", "", true)]
    [InlineData("me@studio1", "", true)]
    [InlineData("localhost", "", true)]
    [InlineData("127.0.0.1", "", true)]
    [InlineData("10.0.0.1", "", true)]
    [InlineData("another-name", "fe80::1 10.0.0.1", true)]
    [InlineData("studio2", "10.0.0.2", false)]
    [InlineData("studio1.example.com", "", false)]
    [InlineData("studio", "", false)]
    public void ThisMachine_ByNameOrAddress_IsTold(string name, string addresses, bool expected) => Assert.Equal(
        expected, ThisMachine.Is(new RankHost(name, ValueList.From(addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries))), "studio1", [System.Net.IPAddress.Parse("10.0.0.1")]));

    [Fact]
    public void MlxLm_OnSeveralHosts_IsSentNoSeed()
    {
        var alone = MlxLm().MannersFor(new ModelSpec { Id = "m", Runner = "mlx_lm" });
        var ranks = MlxLm().MannersFor(new ModelSpec { Id = "m", Runner = "mlx_lm", Distributed = new DistributedSpec { Hosts = [new("a", []), new("b", [])] } });

        Assert.False(alone.Rules!.Fields.Single(field => field.Name == "seed").IsDropped);
        Assert.True(ranks.Rules!.Fields.Single(field => field.Name == "seed").IsDropped);
        Assert.Equal(alone.Rules.Fields.Where(field => field.Name != "seed"), ranks.Rules.Fields.Where(field => field.Name != "seed"));
        Assert.Equal(alone, ranks with { Rules = alone.Rules });
    }

    [Fact]
    public async Task MlxLm_WithoutAFolder_SaysWhatIsMissing()
    {
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => PlanAsync(MlxLm(), new ModelSpec { Id = "m", Runner = "mlx_lm", Missing = "fetch it" }));

        Assert.Equal("fetch it", failed.Message);
    }

    [Fact]
    public void MlxLm_Manners_NameNoOtherModelAndCloseConnections()
    {
        var manners = MlxLm().MannersFor(new ModelSpec { Id = "m", Runner = "mlx_lm" });

        Assert.Equal(("default_model", "default_model", false), (manners.UpstreamModel, manners.EchoedModel, manners.ReusesConnections));
        Assert.True(manners is { NamesReasoning: true, SaysNotFoundForAll: true, Rules: { DropsNulls: true, IsTextOnly: true } });
        Assert.Contains(manners.Rules.Fields, f => f is { Name: "adapters", IsDropped: true });
    }

    [Fact]
    public async Task MlxVlm_Plan_IsItsCommandLine()
    {
        var plan = await PlanAsync(MlxVlm(), new ModelSpec { Id = "org/eyes", Runner = "mlx_vlm", Path = "/models/eyes 4bit", Args = ["--max-kv-size", "8192"] });

        Assert.Equal(_nursery.In("python3"), plan.Executable);
        Assert.Equal([Path.Combine(AppContext.BaseDirectory, "mlx_vlm_companion.py"), "--model", "/models/eyes 4bit", "--host", "127.0.0.1", "--port", "20123", "--max-kv-size", "8192"], plan.Arguments);
        Assert.Equal(new Dictionary<string, string>(OfflineVariables) { ["MLX_VLM_MAX_TOKENS"] = "1048576" }, plan.Environment);
        Assert.Equal(["/v1/models", "/health"], plan.ReadyPaths);
        Assert.Null(plan.Proof);
        Assert.Null(plan.Fallback);
    }

    [Theory]
    [InlineData(ModelUse.Chat, "--model", "/v1/chat/completions /v1/messages /v1/messages/count_tokens /v1/responses /v1/responses/input_tokens", "", "/v1/chat/completions")]
    [InlineData(ModelUse.Embedding, "--embedding-model", "/v1/embeddings", "/metrics /v1/embeddings", "/v1/embeddings")]
    [InlineData(ModelUse.Reranking, "--reranker-model", "/v1/rerank", "/metrics /v1/rerank", "/v1/rerank")]
    [InlineData(ModelUse.Speech, "--tts-model", "/v1/audio/speech", "/metrics", "/v1/audio/speech")]
    [InlineData(ModelUse.Transcription, "--stt-model", "/v1/audio/transcriptions /v1/audio/translations", "/metrics", "/v1/audio/transcriptions")]
    [InlineData(ModelUse.Images, "--image-model", "/v1/images/generations", "/metrics", "/health")]
    public async Task MlxVlm_EachUse_HasItsOptionItsRoutesItsProofAndItsQuestion(ModelUse use, string option, string offers, string verdicts, string question)
    {
        var model = new ModelSpec { Id = "m", Runner = "mlx_vlm", Path = "/models/a b", Facts = new ModelFacts { Use = use, ContextWindow = 8192 }, Args = ["--log-level", "DEBUG"] };
        var plan = await MlxVlm().PlanAsync(model, new LaunchShape { Context = use == ModelUse.Chat ? 8192 : 512 }, 20123, Nursery.Patience());
        var manners = MlxVlm().MannersFor(model);

        Assert.Equal([Path.Combine(AppContext.BaseDirectory, "mlx_vlm_companion.py"), option, "/models/a b", "--host", "127.0.0.1", "--port", "20123", "--log-level", "DEBUG"], plan.Arguments);
        Assert.Equal(("/models/a b", offers, use == ModelUse.Chat), (manners.UpstreamModel, string.Join(' ', manners.Offers!.Order(StringComparer.Ordinal)), manners.AsksForStreams));
        Assert.Equal((verdicts, question), (string.Join(' ', plan.Verdicts.Select(v => v.Probe.Path)), plan.Question!.Path));
        Assert.Equal(use != ModelUse.Images, plan.Question.Json?.Contains("/models/a b", StringComparison.Ordinal) == true); // any other name would load another model
        Assert.Equal(use == ModelUse.Chat, plan.Environment.ContainsKey("MLX_VLM_MAX_TOKENS"));
    }

    [Fact]
    public async Task MlxVlm_VersionWithoutTheOption_SaysHowToGetANewerOne()
    {
        var python = _nursery.Script("python3", """echo 'mlxgateway {"modules":{"mlx_vlm":{"version":"0.3.9","options":["--model"]} } }'""");
        var kind = new MlxVlm(new MlxVlmEngine(new EngineOptions { MlxVlm = { Python = python } }, Search()));
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => PlanAsync(kind, new ModelSpec { Id = "m", Runner = "mlx_vlm", Path = "/m", Facts = new ModelFacts { Use = ModelUse.Embedding } }));

        Assert.Equal($"Model 'm' makes vectors of texts, and this mlx_vlm (0.3.9) has no --embedding-model. A newer one comes with: {python} -m pip install --upgrade mlx-vlm", failed.Message);
        Assert.NotNull(await PlanAsync(kind, new ModelSpec { Id = "m", Runner = "mlx_vlm", Path = "/m" }));
    }

    [Theory]
    [InlineData("/home/me/.local/share/uv/tools/mlx-vlm/bin/python", "uv tool install mlx-vlm --with misaki")]
    [InlineData("/home/me/.local/pipx/venvs/mlx-vlm/bin/python", "pipx inject mlx-vlm misaki")]
    [InlineData("/venv/bin/python", "/venv/bin/python -m pip install misaki")]
    public void MlxVlm_PackageThatAModelNeeds_IsNamedWithTheCommandThatInstallsIt(string python, string command)
    {
        Assert.Equal($"Its Python lacks misaki; install it with: {command}", MlxVlmWords.Advice("Failed to load audio model: \nMissing dependency while loading kokoro: No module named 'misaki.en'", python));
        Assert.Null(MlxVlmWords.Advice("Unsupported audio model", python));
    }

    [Theory]
    [InlineData(200, """{"server":{"preload_failures":{},"loaded_models":{"stt":{"model":"/m"}}}}""", null)]
    [InlineData(200, """{"server":{"preload_failures":{"audio_stt":{"model":"/m","error":"Unsupported  audio\nmodel: x."}}}}""", "Unsupported audio model: x")]
    [InlineData(200, """{"server":{"preload_failures":{"audio_stt":{"error":"Failed: \nNo module named 'scipy'\nPlease install it using: pip install scipy"}}}}""", "Failed: No module named 'scipy'")]
    [InlineData(200, """{"server":{"preload_failures":{"audio_stt":7}}}""", "it could not load the model, and does not say why")]
    [InlineData(200, """{"server":{"preload_failures":{},"loaded_models":{}}}""", "it did not load the model, and does not say why")]
    [InlineData(200, "{}", null)] // an older version: the next question tells
    [InlineData(200, "<html>", null)]
    [InlineData(404, "", null)]
    public void MlxVlm_FailureThatItLivesOnAfter_IsReadFromItsMetrics(int status, string text, string? fault) => Assert.Equal(fault, MlxVlmWords.FaultOfMetrics(status, text, "stt"));

    [Theory]
    [InlineData(200, "", null)]
    [InlineData(400, """{"detail":"The loaded model does not produce embeddings."}""", "The loaded model does not produce embeddings")]
    [InlineData(500, "Internal Server Error", "it answered 500 to a question: Internal Server Error")]
    public void MlxVlm_AnswerThatIsNone_IsAFault(int status, string text, string? fault) => Assert.Equal(fault, MlxVlmWords.FaultOfAnswer(status, text));

    [Fact]
    public async Task MlxVlm_WithoutAFolder_SaysWhatIsMissing()
    {
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => PlanAsync(MlxVlm(), new ModelSpec { Id = "m", Runner = "mlx_vlm", Missing = "fetch it" }));

        Assert.Equal("fetch it", failed.Message);
    }

    [Fact]
    public void MlxVlm_Manners_NameTheModelAsItsCommandLineDoes() =>
        Assert.True(MlxVlm().MannersFor(new ModelSpec { Id = "m", Runner = "mlx_vlm", Path = "/models/eyes 4bit" }) is { UpstreamModel: "/models/eyes 4bit", EchoedModel: "/models/eyes 4bit", ReusesConnections: false });

    [Theory]
    [MemberData(nameof(OddIds))]
    public async Task Demo_Plan_IsItsCommandLine(string id)
    {
        var plan = await PlanAsync(new Demo(), new ModelSpec { Id = id, Runner = "demo", Args = ["--load-time", "1"] });

        Assert.Equal(Path.Combine(AppContext.BaseDirectory, "MlxGateway.DemoRunner"), plan.Executable);
        Assert.Equal(["--port", "20123", "--model", id, "--load-time", "1"], plan.Arguments);
        Assert.Equal(["/v1/models", "/health"], plan.ReadyPaths);
    }

    [Theory]
    [InlineData("--host")]
    [InlineData("a b's \"c\"")]
    [InlineData("€𝄞 $(reboot)")]
    public async Task Demo_OddId_ReachesTheRunnerAsItIs(string id)
    {
        var runner = await _nursery.Launcher(new Demo()).LaunchAsync(new ModelSpec { Id = id, Runner = "demo" }, LaunchShape.Free, 1, Nursery.Patience());
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(runner.Address, "/v1/models"));
        using var response = await runner.Connections.SendAsync(request, Nursery.Patience());
        using var json = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Nursery.Patience()));

        Assert.Equal(id, json.RootElement.GetProperty("data")[0].GetProperty("id").GetString());
        await runner.StopAsync();
    }

    [Fact]
    public async Task Command_Plan_FillsEachArgumentAndKeepsItOne()
    {
        var plan = await PlanAsync(new Command(), new ModelSpec
        {
            Id = "a model's; name", Runner = "command", Source = "org/repo", Path = "/models/a b",
            Command = ["/opt/{model}/serve", "--listen 127.0.0.1:{port} --x", "{port}{port}", "--file={path}", "{source}", "$(reboot)", "", "{unknown}", "{Port}"],
            Args = ["--name", "{model}"],
            ReadyPath = "/ready",
        });

        Assert.Equal("/opt/a model's; name/serve", plan.Executable);
        Assert.Equal(["--listen 127.0.0.1:20123 --x", "2012320123", "--file=/models/a b", "org/repo", "$(reboot)", "", "{unknown}", "{Port}", "--name", "a model's; name"], plan.Arguments);
        Assert.Equal(["/ready"], plan.ReadyPaths);
    }

    [Fact]
    public async Task Command_ValueThatLooksLikeAPlaceholder_IsNotFilledAgain()
    {
        var plan = await PlanAsync(new Command(), new ModelSpec { Id = "{port}", Runner = "command", Source = "{path}", Path = "{model}", Command = ["x", "{model}", "{source}", "{path}"] });

        Assert.Equal(["{port}", "{path}", "{model}"], plan.Arguments);
    }

    [Fact]
    public async Task Command_WithoutAPath_TakesTheSource() =>
        Assert.Equal(["org/repo", ""], (await PlanAsync(new Command(), new ModelSpec { Id = "m", Runner = "command", Source = "org/repo", Command = ["x", "{path}", ""] })).Arguments);

    [Fact]
    public void UpstreamModel_Configured_IsSaidInEveryKind()
    {
        var model = new ModelSpec { Id = "m", Runner = "x", UpstreamModel = "other" };

        Assert.All<IRunnerKind>([LlamaServer(), MlxLm(), MlxVlm(), new Demo(), new Command()], kind => Assert.Equal("other", kind.MannersFor(model).UpstreamModel));
    }

    public ValueTask DisposeAsync() => _nursery.DisposeAsync();

    private static async Task<LaunchPlan> PlanAsync(IRunnerKind kind, ModelSpec model) => await kind.PlanAsync(model, LaunchShape.Free, 20123, Nursery.Patience());

    private MlxLm MlxLm() => new(new MlxLmEngine(new EngineOptions { MlxLm = { Python = Python("mlx_lm") } }, Search()));

    private MlxVlm MlxVlm() => new(new MlxVlmEngine(new EngineOptions { MlxVlm = { Python = Python("mlx_vlm") } }, Search()));

    private string Python(string module) => _nursery.Script("python3", $$$"""echo 'mlxgateway {"modules":{"{{{module}}}":{"version":"1"} } }'""");

    private PythonSearch Search() => new(new PythonProbes(new EngineProbe(_nursery.Children, TimeProvider.System)));

    private LlamaServer LlamaServer() => new(new LlamaServerEngine(
        new EngineOptions { LlamaServer = { Executable = _nursery.Script("llama-server", "echo 'version: 1'") } }, new EngineProbe(_nursery.Children, TimeProvider.System)));
}
