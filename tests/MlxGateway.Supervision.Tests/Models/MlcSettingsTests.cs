using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>The section <c>Mlc</c> of a model, from the text to what is launched.</summary>
public sealed class MlcSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Section_AsItIsWritten_IsRead()
    {
        var (mlc, errors) = Bind("""
            {"Device":"cuda:1","ModelLib":"lib.so","Mode":"server","EnableDebug":true,"EnableTracing":true,"MaxNumSequence":8,"MaxTotalSequenceLength":65536,"PrefillChunkSize":1024,"MaxHistorySize":0,"GpuMemoryUtilization":0.7,
             "SpecDraftLength":3,"PrefixCacheMaxNumRecyclingSeqs":-1,"SpeculativeMode":"small_draft","PrefixCacheMode":"disable","PrefillMode":"chunked","AdditionalModels":["draft,draft.so","HF://mlc-ai/x"]}
            """);

        Assert.Empty(errors.All);
        var read = MlcSettings.Of(mlc, static path => "/abs/" + path, static further => (further + "!", ByteSize.FromMegabytes(1)));
        Assert.Equal(
            new MlcSettings
            {
                Device = "cuda:1", ModelLib = "/abs/lib.so", Mode = MlcMode.Server, EnableDebug = true, EnableTracing = true, MaxNumSequence = 8, MaxTotalSequenceLength = 65536, PrefillChunkSize = 1024, MaxHistorySize = 0,
                GpuMemoryUtilization = 0.7, SpecDraftLength = 3, PrefixCacheMaxNumRecyclingSeqs = -1, SpeculativeMode = MlcSpeculation.SmallDraft, PrefixCacheMode = MlcPrefixCache.Disable, PrefillMode = MlcPrefill.Chunked,
                AdditionalModels = ["draft,draft.so!", "HF://mlc-ai/x!"], AdditionalBytes = ByteSize.FromMegabytes(2),
            },
            read);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"Device":"auto","Mode":"local","EnableDebug":false,"ModelLib":null,"AdditionalModels":[],"SpeculativeMode":"disable"}""")]
    public void Section_ThatSaysNothing_IsNone(string section) => Assert.Null(MlcSettings.Of(Bind(section).Mlc, static path => path, static further => (further, ByteSize.Zero)));

    [Fact]
    public void Section_WithMistakes_NamesEachKey()
    {
        var (_, errors) = Bind("""{"Mode":"fast","MaxNumSequence":0,"GpuMemoryUtilization":1.5,"SpeculativeMode":"smalldrafts","PrefixCacheMaxNumRecyclingSeqs":-2,"Modes":"x"}""");

        Assert.Equal(
            ["GpuMemoryUtilization", "MaxNumSequence", "Mode", "Modes", "PrefixCacheMaxNumRecyclingSeqs", "SpeculativeMode"],
            errors.All.Select(error => error.ToString().Split(' ')[0].TrimEnd(':')["Mlc:".Length..]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Check_BreachesOfTheEnginesRules_NameModelAndKey()
    {
        var breaches = new SettingsErrors();
        ModelRules.Check(
            _folder.Settings(new()
            {
                ["a"] = new() { Source = "org/a", Runner = "mlx_lm", Mlc = new() { Mode = MlcMode.Server } },
                ["b"] = new() { Source = "org/b", Runner = "mlc_llm", Mlc = new() { SpeculativeMode = MlcSpeculation.Eagle } },
                ["c"] = new() { Source = "org/c", Runner = "mlc_llm", Mlc = new() { AdditionalModels = ["", "a,b,c", "-x", "org/d", "org/d,lib.so"], Device = "-c u" } },
                ["d"] = new() { Source = "org/d", Runner = "mlc_llm", Args = ["--overrides", "x=1"], Mlc = new() { MaxNumSequence = 2, SpecDraftLength = 1 } },
                ["e"] = new() { Source = "org/e", Runner = "mlc_llm", Args = ["--overrides=x=1"], Mlc = new() { Mode = MlcMode.Server } },
                ["f"] = new() { Source = "org/f", Runner = "mlx_lm", Mlc = new() },
            }),
            breaches,
            TemporaryFolder.Lenient);

        Assert.Equal(
            [
                "MlxGateway:Models:a:Mlc: belongs to a runner of the kind \"mlc_llm\", and this model's is \"mlx_lm\"; leave it out, or write \"Runner\": \"mlc_llm\".",
                "MlxGateway:Models:b:Mlc:AdditionalModels: is empty, and \"SpeculativeMode\" needs a model that guesses ahead; name its folder or repository here.",
                "MlxGateway:Models:c:Mlc:AdditionalModels: \"\" is no model; write a folder or a repository, and behind a comma the file of the compiled model if there is one.",
                "MlxGateway:Models:c:Mlc:AdditionalModels: \"a,b,c\" is no model; write a folder or a repository, and behind a comma the file of the compiled model if there is one.",
                "MlxGateway:Models:c:Mlc:AdditionalModels: \"-x\" is no model; write a folder or a repository, and behind a comma the file of the compiled model if there is one.",
                "MlxGateway:Models:c:Mlc:Device: \"-c u\" is no device; write \"metal\", \"cuda\", \"rocm\", \"vulkan\", \"opencl\" or \"cpu\", with a number behind it for another than the first (\"cuda:1\"), or \"auto\".",
                "MlxGateway:Models:d:Args: \"--overrides\" would take the place of what \"Mlc\" says (max_num_sequence, spec_draft_length); write all of it in one of the two.",
            ],
            breaches.All.Select(error => error.ToString()));
    }

    [Fact]
    public void Configured_FurtherModels_AreFoundOrMissing()
    {
        foreach (var name in new[] { "main", "draft" })
        {
            _folder.Write($"{name}/mlc-chat-config.json", MlcFactsTests.Qwen);
            _folder.Write($"{name}/tensor-cache.json", MlcFactsTests.Shards);
            _folder.Write($"{name}/params_shard_0.bin", 60);
            _folder.Write($"{name}/params_shard_1.bin", 30);
            _folder.Write($"{name}/tokenizer.json", "{}");
        }

        ModelOptions With(params string[] further) => new() { Source = "main", Mlc = new() { ModelLib = "main.so", SpeculativeMode = MlcSpeculation.SmallDraft, AdditionalModels = [.. further] } };
        var models = new ConfiguredModels(new FactsCache()).Read(_folder.Settings(new() { ["good"] = With("draft,d.so", "HF://mlc-ai/own"), ["bad"] = With("org/absent") }, offered: ["mlc_llm"])).ToDictionary(model => model.Id);

        Assert.Equal(KindNames.MlcLlm, models["good"].Runner);
        Assert.Equal([$"{_folder.In("draft")},{_folder.In("d.so")}", "HF://mlc-ai/own"], models["good"].Mlc!.AdditionalModels);
        Assert.Equal((_folder.In("main.so"), new ByteSize(90), null), (models["good"].Mlc!.ModelLib, models["good"].Mlc!.AdditionalBytes, models["good"].Missing));
        Assert.Contains("org/absent", models["bad"].Missing, StringComparison.Ordinal);
    }

    [Fact]
    public void Breach_WhatTheEngineWouldDieOf_NamesTheKey()
    {
        var model = new ModelSpec { Id = "org/m", Runner = "mlc_llm", Facts = new() { Architecture = "qwen2" } };
        var library = _folder.Write("lib.so", 1);

        Assert.Equal("MlxGateway:Models:org/m:Mlc:ModelLib: the file /no/lib.so does not exist.", MlcRules.Breach(model with { Mlc = new() { ModelLib = "/no/lib.so" } }));
        Assert.Equal("MlxGateway:Models:org/m:Mlc:AdditionalModels: the file /no/d.so does not exist.", MlcRules.Breach(model with { Mlc = new() { ModelLib = library, AdditionalModels = ["/x", "/y,/no/d.so"] } }));
        Assert.StartsWith("MlxGateway:Models:org/m:Mlc:MaxHistorySize: 4 is for recurrent models", MlcRules.Breach(model with { Mlc = new() { MaxHistorySize = 4 } }), StringComparison.Ordinal);
        Assert.All(
            [model, model with { Mlc = new() { MaxHistorySize = 0, ModelLib = library } }, model with { Mlc = new() { MaxHistorySize = 4 }, Facts = new() { Architecture = "rwkv6" } }, model with { Mlc = new() { ModelLib = "mock://echo" } }],
            good => Assert.Null(MlcRules.Breach(good)));
    }

    private static (MlcOptions Mlc, SettingsErrors Errors) Bind(string section)
    {
        var errors = new SettingsErrors();
        using var json = new MemoryStream(System.Text.Encoding.UTF8.GetBytes($$"""{"Mlc":{{section}}}"""));
        return (StrictBinder.Bind<MlcOptions>(new ConfigurationBuilder().AddJsonStream(json).Build().GetSection("Mlc"), errors, new TextConverters().AddSizes()), errors);
    }
}
