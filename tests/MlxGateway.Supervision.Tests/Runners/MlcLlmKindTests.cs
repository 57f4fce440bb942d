using System.Text;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Runners.Kinds;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MlcLlmKindTests : IAsyncDisposable
{
    private static readonly ModelSpec Model = new() { Id = "org/m", Runner = "mlc_llm", Path = "/models/tiny MLC" };

    private readonly Nursery _nursery = new();

    [Fact]
    public void Arguments_OfEverySetting_AreTheEnginesOwn()
    {
        var all = new MlcSettings
        {
            Device = "metal", ModelLib = "/libs/a b.so", Mode = MlcMode.Server, EnableDebug = true, EnableTracing = true, MaxNumSequence = 8, MaxTotalSequenceLength = 65536, PrefillChunkSize = 1024, MaxHistorySize = 2, GpuMemoryUtilization = 0.7,
            SpecDraftLength = 3, PrefixCacheMaxNumRecyclingSeqs = -1, SpeculativeMode = MlcSpeculation.SmallDraft, PrefixCacheMode = MlcPrefixCache.Disable, PrefillMode = MlcPrefill.Chunked, AdditionalModels = ["/d one,/d.so", "HF://mlc-ai/x"],
        };
        var lowered = new LaunchShape { Context = 4096, Conversations = 2, Lowered = "So that …" };
        (string Name, ModelSpec Model, LaunchShape Shape)[] cases =
        [
            ("nothing set", Model, LaunchShape.Free),
            ("everything set", Model with { Mlc = all }, lowered),
            ("some overrides", Model with { Mlc = new() { Mode = MlcMode.Interactive, GpuMemoryUtilization = 0.5, MaxNumSequence = 1 } }, new LaunchShape { Context = 8192 }),
            ("eagle", Model with { Mlc = new() { SpeculativeMode = MlcSpeculation.Eagle, AdditionalModels = ["/e"], SpecDraftLength = 0 } }, LaunchShape.Free),
            ("medusa", Model with { Mlc = new() { SpeculativeMode = MlcSpeculation.Medusa, AdditionalModels = ["/e"] } }, LaunchShape.Free),
            ("lowered so that it fits", Model, lowered),
            ("a configured context", Model with { Context = 2048 }, new LaunchShape { Context = 2048 }),
            ("the user's own overrides", Model with { Args = ["--overrides", "opt=O3"], Context = 2048 }, new LaunchShape { Context = 2048 }),
        ];
        var text = new StringBuilder();
        foreach (var (name, model, shape) in cases)
        {
            text.Append(name).Append('\n').AppendJoin('\n', MlcLlmArguments.Of(model.Path!, model, shape, 20123).Select(argument => $"  {argument}")).Append('\n');
        }

        Golden.Equal("mlc-arguments", text.ToString());
    }

    [Fact]
    public async Task Plan_IsItsCommandLineAndDownloadsNothing()
    {
        var plan = await Kind().PlanAsync(Model with { Args = ["--mode", "server"] }, LaunchShape.Free, 20123, Nursery.Patience());

        Assert.Equal(_nursery.In("python3"), plan.Executable);
        Assert.Equal(["-m", "mlc_llm", "serve", "/models/tiny MLC", "--device", "auto", "--mode", "local", "--host", "127.0.0.1", "--port", "20123", "--allow-origins", "[\"none\"]", "--mode", "server"], plan.Arguments);
        Assert.Equal(("READONLY", "1"), (plan.Environment["MLC_DOWNLOAD_CACHE_POLICY"], plan.Environment["HF_HUB_OFFLINE"]));
        Assert.DoesNotContain("MLC_JIT_POLICY", plan.Environment.Keys);
        Assert.Equal(["/v1/models"], plan.ReadyPaths);
        Assert.Equal(TimeSpan.FromSeconds(120), plan.ReadyWithin);
        Assert.Null(plan.Secret); // it could be told on its command line alone
    }

    [Fact]
    public async Task Plan_ThatCannotWork_SaysWhatIsWrongBeforeAnythingIsStarted()
    {
        Assert.Equal("fetch it", (await FailedAsync(Kind(), Model with { Path = null, Missing = "fetch it" })).Message);
        Assert.Equal("MlxGateway:Models:org/m:Mlc:ModelLib: the file /no/lib.so does not exist.", (await FailedAsync(Kind(), Model with { Mlc = new() { ModelLib = "/no/lib.so" } })).Message);
        var nowhere = new MlcLlm(new MlcLlmEngine(new EngineOptions { MlcLlm = { Python = "/nowhere/python3" } }, Search()));
        Assert.Matches(@"^No usable Python with mlc_llm was found \(/nowhere/python3: does not exist\)\. Install it with: .*https://mlc\.ai/wheels", (await FailedAsync(nowhere, Model)).Message);
    }

    [Theory]
    [InlineData("INFO jit.py:118: Compiling using commands below:", true)]
    [InlineData("INFO jit.py:130: Using compiled model lib: /root/.cache/mlc_llm/model_lib/x.so", false)]
    [InlineData("INFO:     Started server process", null)]
    public async Task Plan_LineOfItsOutput_TellsWhetherItCompiles(string line, bool? expected) =>
        Assert.Equal(expected, (await Kind().PlanAsync(Model, LaunchShape.Free, 1, Nursery.Patience())).Preparing!(line));

    [Fact]
    public void Manners_TakeOutWhatTheEngineMisunderstands()
    {
        var manners = Kind().MannersFor(Model with { Facts = new() { UnreadCalls = ToolFormat.Hermes } });

        Assert.Equal(("org/m", "org/m", false, ToolFormat.Hermes), (manners.UpstreamModel, manners.EchoedModel, manners.ReusesConnections, manners.ToolFormat));
        Assert.Equal(["debug_config", "user"], manners.Rules!.Fields.Where(field => field.IsDropped).Select(field => field.Name).Order(StringComparer.Ordinal));
        Assert.Equal(["user"], Kind().MannersFor(Model with { Mlc = new() { EnableDebug = true } }).Rules!.Fields.Where(field => field.IsDropped).Select(field => field.Name));
        Assert.Equal("other", Kind().MannersFor(Model with { UpstreamModel = "other" }).UpstreamModel);
    }

    public ValueTask DisposeAsync() => _nursery.DisposeAsync();

    private static Task<LaunchFailedException> FailedAsync(MlcLlm kind, ModelSpec model) => Assert.ThrowsAsync<LaunchFailedException>(async () => await kind.PlanAsync(model, LaunchShape.Free, 1, Nursery.Patience()));

    private PythonSearch Search() => new(new PythonProbes(new EngineProbe(_nursery.Children, TimeProvider.System)));

    private MlcLlm Kind() => new(new MlcLlmEngine(new EngineOptions { MlcLlm = { Python = _nursery.Script("python3", """echo 'mlxgateway {"modules":{"mlc_llm":{"version":"0.20.dev1"}}}'""") } }, Search()));
}
