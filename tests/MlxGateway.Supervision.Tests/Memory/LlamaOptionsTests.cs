using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Runners.Kinds;
using MlxGateway.Supervision.Tests.Models;
using MlxGateway.Supervision.Tests.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>The real <c>llama-server</c>, launched as the catalog has the model: what it says that it takes (<c>-lv 5</c>), what it is seen to take, and that it answers the question by which it is told whether it lives.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed partial class LlamaOptionsTests(RealMlx real) : IClassFixture<RealMlx>, IAsyncDisposable
{
    private const string Server = "MLXGATEWAY_TEST_LLAMA_SERVER";
    private readonly Nursery _nursery = new();
    private readonly TemporaryFolder _folder = new();

    /// <summary>The model, arguments, the cache and the compute buffers that it must say are as they were estimated.</summary>
    public static TheoryData<string, string> Cases => new()
    {
        { "writer", "-c 4000 -np 3 -ctk q8_0" },
        { "writer", "-c 4096 -np 4 -kvu -fa off" },
        { "writer", "-ub 1024 --lora-scaled lora.gguf:0.5 --control-vector control.gguf" },
        { "writer", "-md draft.gguf -ctkd q8_0 -ctvd q8_0 -c 2048" },
        { "writer", "--mmproj eyes.gguf -c 2048" },
        { "embedder", "" },
        { "embedder-00001-of-00002", "" },
        { "reranker", "-ub 256" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Launch_WithOptions_SaysTheSizesThatWereEstimatedAndAnswersItsQuestion(string name, string args)
    {
        var model = await ModelAsync(name, args);
        var (need, runner, plan) = await LaunchAsync(model);
        var parts = need.Parts.ToDictionary(part => part.Name, part => part.Bytes.Bytes / (double)(1 << 20));
        var log = LogOf();
        var said = Sizes().Matches(log).Select(match => (What: match.Groups[1].Value, Megabytes: double.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture))).ToList();
        using var question = plan.Question!.ToRequest(runner.Address);
        using var answer = await runner.Connections.SendAsync(question, Nursery.Patience());
        await runner.StopAsync();

        // A buffer that is measured anew, as for adapters, is said again.
        double Said(string what) => said.Where(size => size.What == what).Select(size => size.Megabytes).Distinct().Sum();
        var ofDraft = parts.GetValueOrDefault(PartNames.Draft) - (model.Attached.FirstOrDefault(file => file.As == Attachment.Draft)?.Facts!.TensorBytes!.Value.Bytes / (double)(1 << 20) ?? 0);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Nursery.Patience()));
        var estimated = parts.GetValueOrDefault(PartNames.Cache) + parts[PartNames.Work] + ofDraft;
        Assert.InRange(estimated, 0.95 * (Said("KV") + Said("compute")), (1.05 * (Said("KV") + Said("compute"))) + 0.1);
        Assert.Equal(Math.Ceiling(parts[PartNames.Weights] + (parts.GetValueOrDefault(PartNames.Draft) - ofDraft)), Math.Ceiling(Said("model")), 1.0);
    }

    // Mapped or read, it is the same memory; where it is locked too, it is not available while the runner is there.
    [Theory]
    [InlineData("-lm mmap", false)]
    [InlineData("-lm none", true)]
    [InlineData("-lm mlock", true)]
    [InlineData("-lm dio", true)]
    [InlineData("-lm mmap+mlock", true)]
    [InlineData("--no-mmap", true)]
    [InlineData("--mlock", true)]
    [InlineData("--mmap", false)]
    public async Task Launch_HoweverWeightsAreLoaded_TakesWhatWasPlanned(string args, bool isOwnUse)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What a process takes is read from /proc.");
        var (need, runner, _) = await LaunchAsync(await ModelAsync("writer", $"-c 4096 {args}"));
        var footprints = new LinuxFootprints(new KernelFiles());
        var seen = footprints.Read([runner.Pid])!.Value;
        var own = footprints.Private([runner.Pid]);
        await runner.StopAsync();

        // The compute buffer is touched by long prompts only.
        var work = need.Parts.Single(part => part.Name == PartNames.Work).Bytes;
        Assert.InRange(seen.Taken.Bytes, (need.Total - work).Bytes * 0.85, need.Total.Bytes * 1.05);
        Assert.Equal(seen.Private, own);
        Assert.Equal(isOwnUse, own > need.Parts.Single(part => part.Name == PartNames.Weights).Bytes);
    }

    [Theory]
    [InlineData("--no-such-flag", "exit code 1", "invalid argument: --no-such-flag")]
    [InlineData("-c five", "exit code 1", "-c")]
    public async Task Launch_WithWhatTheVersionDoesNotTake_SaysWhatItSaid(string args, string how, string said)
    {
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(async () => await LaunchAsync(await ModelAsync("writer", args), ""));

        Assert.Contains(how, failed.Message, StringComparison.Ordinal);
        Assert.Contains(said, failed.Message, StringComparison.Ordinal);
    }

    // It takes the keys of all places together, so that the gateway's own is one of them.
    [Theory]
    [InlineData("--api-key mine,other", "")]
    [InlineData("--api-key-file keys", "")]
    [InlineData("--api-key-file keys", "mine,other")]
    public async Task Launch_WithKeysOfTheUsers_AnswersTheGatewayAndThemAndNobodyElse(string args, string variable)
    {
        var model = await ModelAsync("embedder", args);
        var (_, runner, plan) = await LaunchAsync(model with { Env = new ValueMap(variable.Length == 0 ? [] : [new("LLAMA_API_KEY", variable)]) }, "");
        using var client = new HttpClient();
        async Task<int> StatusAsync(string? key)
        {
            using var request = plan.Question!.ToRequest(runner.Address);
            request.Headers.Authorization = key is null ? null : new("Bearer", key);
            using var answer = await client.SendAsync(request, Nursery.Patience());
            return (int)answer.StatusCode;
        }

        using var question = plan.Question!.ToRequest(runner.Address);
        using var own = await runner.Connections.SendAsync(question, Nursery.Patience());
        Assert.Equal((200, 200, 401, 401), ((int)own.StatusCode, await StatusAsync("mine"), await StatusAsync("another"), await StatusAsync(null)));
        await runner.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _nursery.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<ModelSpec> ModelAsync(string name, string args)
    {
        RealMlx.Need(Server);
        var path = _folder.In($"{name}.gguf");
        switch (name)
        {
            case "writer":
                path = real.Model("writer.gguf", "--layers", "4", "--heads", "8", "--kv-heads", "4", "--head-dim", "64", "--context", "8192", "--weights", "100MB");
                File.Copy(real.Model("draft.gguf", "--kv-heads", "2", "--context", "4096", "--weights", "30MB"), _folder.In("draft.gguf"));
                await WriteAsync("lora", "lora.gguf", "--layers", "4", "--feed-forward", "8533");
                await WriteAsync("control", "control.gguf", "--layers", "4");
                await WriteAsync("projector", "eyes.gguf");
                break;
            case "reranker":
                await WriteAsync("reranker", "reranker.gguf");
                break;
            default:
                await WriteAsync("embedder", "embedder.gguf", "--context", "2048", "--hidden", "256", "--feed-forward", "1024", "--files", name == "embedder" ? "1" : "2");
                break;
        }

        await File.WriteAllTextAsync(_folder.In("keys"), "# those who may\nmine\n", Nursery.Patience());
        var options = new ModelOptions { Source = path, WorkingDirectory = _folder.Path, Args = [.. args.Split(' ', StringSplitOptions.RemoveEmptyEntries)] };
        var model = Assert.Single(new ConfiguredModels(new FactsCache()).Read(_folder.Settings(new() { ["m"] = options })));
        Assert.Null(model.Missing);
        return model;
    }

    private async Task WriteAsync(string what, string name, params string[] args)
    {
        using var python = Process.Start(new ProcessStartInfo("python3", [Path.Combine(AppContext.BaseDirectory, "tiny_parts.py"), what, _folder.In(name), .. args]))!;
        await python.WaitForExitAsync(Nursery.Patience());
        Assert.Equal(0, python.ExitCode);
    }

    // In the shape that the gauge would choose on an empty machine.
    private async Task<(MemoryNeed Need, IRunner Runner, LaunchPlan Plan)> LaunchAsync(ModelSpec model, string more = "-lv 5 -fit off")
    {
        model = model with { Args = ValueList.From([.. model.Args, .. more.Split(' ', StringSplitOptions.RemoveEmptyEntries)]) };
        var need = new MemoryEstimator(new MemoryOptions()).NeedsOf(model)![0];
        need = MemoryEstimator.NeedOf(model, need.Shape with { PromptCache = ByteSize.Zero });
        var kind = new LlamaServer(new LlamaServerEngine(new EngineOptions { LlamaServer = { Executable = RealMlx.Need(Server) } }, new EngineProbe(_nursery.Children, TimeProvider.System)));
        return (need, await _nursery.Launcher(kind).LaunchAsync(model, need.Shape, 1, Nursery.Patience()), await kind.PlanAsync(model, need.Shape, 1, Nursery.Patience()));
    }

    private string LogOf() => string.Concat(Directory.EnumerateFiles(_nursery.Folder, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file).StartsWith("m-1", StringComparison.Ordinal)).Select(ReadWhileItIsWritten));

    private static string ReadWhileItIsWritten(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"\w+ (KV|compute|model) buffer size =\s+([0-9.]+) MiB")]
    private static partial Regex Sizes();
}
