using MlxGateway.Supervision.Models;
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

    private static readonly Dictionary<string, string> OfflineVariables = new()
    {
        ["HF_HUB_OFFLINE"] = "1", ["TRANSFORMERS_OFFLINE"] = "1", ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1", ["TOKENIZERS_PARALLELISM"] = "false", ["PYTHONUNBUFFERED"] = "1",
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
        Assert.Equal([Path.Combine(AppContext.BaseDirectory, "mlx_lm_companion.py"), .. MlxLmArguments], plan.Arguments);
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
        Assert.Equal(["-m", "mlx_vlm.server", "--model", "/models/eyes 4bit", "--host", "127.0.0.1", "--port", "20123", "--max-kv-size", "8192"], plan.Arguments);
        Assert.Equal(new Dictionary<string, string>(OfflineVariables) { ["MLX_VLM_MAX_TOKENS"] = "1048576" }, plan.Environment);
        Assert.Equal(["/v1/models", "/health"], plan.ReadyPaths);
        Assert.Null(plan.Proof);
        Assert.Null(plan.Fallback);
    }

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
