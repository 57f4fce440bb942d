using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Runners.Kinds;
using MlxGateway.Supervision.Tests.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>
/// Real engines, launched in the shape for which the need was worked out, take what was predicted. On Linux only, where the most that a process ever held can be read (<c>VmHWM</c>).
/// A run costs seconds for each hundred tokens on a processor, so most cases run only with <c>MLXGATEWAY_TESTS_MEMORY=long</c>.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class EstimateEvidenceTests(RealMlx real) : IClassFixture<RealMlx>
{
    private const string Llama = "MLXGATEWAY_TEST_LLAMA_SERVER";
    private const string Mlx = "MLXGATEWAY_TEST_MLX_PYTHON";
    private const string MlxNext = "MLXGATEWAY_TEST_MLX_PYTHON_NEXT";
    private const int AnswerTokens = 2;
    private const int LongAnswerTokens = 30;
    private const int TemplateTokens = 19; // what the chat template puts around one message

    /// <summary>Engine, tokens of each prompt, how many at a time, rounds, the context, how much of earlier prompts may be kept, whether it is for the long form only.</summary>
    public static TheoryData<string, int, int, int, int, int, bool> Cases => new()
    {
        { Llama, 40, 1, 1, 4096, 0, false },
        { Llama, 600, 1, 2, 2048, 40, false },
        { Llama, 300, 4, 1, 512, 0, false },
        { Llama, 40, 4, 3, 1024, 8, true },
        { Llama, 1500, 1, 3, 4096, 190, true },
        { Llama, 900, 4, 2, 1024, 200, true },
        { Mlx, 24, 4, 1, 32, 24, false },
        { Mlx, 24, 4, 3, 32, 32, true },
        { Mlx, 24, 1, 2, 32, 16, false },
        { Mlx, 270, 1, 2, 300, 128, true },
        { MlxNext, 24, 4, 1, 32, 24, true },
        { MlxNext, 270, 1, 2, 300, 128, true },
        { MlxNext, 270, 4, 1, 300, 256, true },
    };

    private static bool IsLong => Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_MEMORY") == "long";

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Estimate_RealEngine_IsWhatItTakes(string engine, int tokens, int atOnce, int rounds, int context, int keptMegabytes, bool isLong)
    {
        RealMlx.Need(engine);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The peak of a process is read from /proc.");
        Assert.SkipWhen(isLong && !IsLong, "Only with MLXGATEWAY_TESTS_MEMORY=long.");
        var model = ModelFor(engine);
        var shape = new LaunchShape { Context = context, Conversations = atOnce, PromptCache = ByteSize.FromMegabytes(keptMegabytes) };
        var need = MemoryEstimator.NeedOf(model, shape);

        var first = await PeakAsync(engine, model, shape, tokens, atOnce, rounds);
        var estimated = Error(need.Total, first);

        // The first run is what is known before the second one. Not where several come at once: which of them are read together is a matter of moments, and no two runs are alike.
        ByteSize? second = atOnce == 1 && (tokens < 100 || IsLong) ? await PeakAsync(engine, model, shape, tokens, atOnce, rounds) : null;
        var learned = second is { } again ? Error(first, again) : (double?)null;
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {engine} | {tokens} × {atOnce} | {need.Total} | {first} | {estimated:+0.0 %;-0.0 %} | {second?.ToString() ?? "not run"} | {learned:+0.0 %;-0.0 %} | {string.Join(", ", need.Parts.Select(p => $"{p.Name} {p.Bytes}"))}"));
        Assert.True(need.Parts.Single(p => p.Name == PartNames.Weights).Bytes >= ByteSize.FromMegabytes(270));
        Assert.InRange(estimated, -0.15, 0.15);
        Assert.InRange(learned ?? 0, -0.05, 0.05);
    }

    private static double Error(ByteSize predicted, ByteSize observed) => ((double)predicted.Bytes / observed.Bytes) - 1;

    private ModelSpec ModelFor(string engine)
    {
        var isLlama = engine == Llama;
        var (layers, heads, size) = isLlama ? (8, 16, 128) : (9, 64, 128);
        var path = real.Model(
            isLlama ? "evidence.gguf" : "evidence",
            "--endless", "--weights", isLlama ? "300MB" : "8MB", "--layers", $"{layers}", "--heads", $"{heads}", "--kv-heads", $"{heads}", "--head-dim", $"{size}", "--context", "4096");
        var wide = Math.Max(64, (isLlama ? 300L << 20 : 8L << 20) / (2 * layers * 3 * 512));
        return new ModelSpec
        {
            Id = "evidence", Runner = isLlama ? KindNames.LlamaServer : KindNames.MlxLm, Path = path, Env = new ValueMap([new("MLX_DISABLE_COMPILE", "1")]),
            Facts = new ModelFacts
            {
                // Vocabulary and output, and the matrices of each layer, 2 bytes a value.
                TensorBytes = new ByteSize(2 * 512 * ((2 * 263) + (layers * ((4L * heads * size) + (3 * wide))))),
                Cache = new CacheLayout([new CacheLayers(layers, 2L * heads * size)]),
                ContextWindow = 4096, HiddenSize = 512, FeedForwardSize = (int)wide, AttentionHeads = heads, VocabularySize = 263,
            },
        };
    }

    // Launches it, has it answer, and reads the most that it ever held.
    private static async Task<ByteSize> PeakAsync(string engine, ModelSpec model, LaunchShape shape, int tokens, int atOnce, int rounds)
    {
        await using var nursery = new Nursery();
        var runner = await nursery.Launcher(KindFor(engine, nursery)).LaunchAsync(model, shape, 1, Nursery.Patience());
        for (var round = 0; round < rounds; round++)
        {
            await AskTogetherAsync(runner, tokens, round * atOnce, atOnce, Math.Min(shape.Context!.Value - tokens, LongAnswerTokens));
        }

        var status = await File.ReadAllTextAsync($"/proc/{runner.Pid}/status", Nursery.Patience());
        await runner.StopAsync();
        return KernelText.Kilobytes(status, "VmHWM")!.Value;
    }

    private static IRunnerKind KindFor(string engine, Nursery nursery)
    {
        var probe = new EngineProbe(nursery.Children, TimeProvider.System);
        return engine == Llama
            ? new LlamaServer(new LlamaServerEngine(new EngineOptions { LlamaServer = { Executable = RealMlx.Need(engine) } }, probe))
            : new MlxLm(new MlxLmEngine(new EngineOptions { MlxLm = { Python = RealMlx.Need(engine) } }, new PythonSearch(new PythonProbes(probe))));
    }

    // The others come while the first is being answered, so that in every run they join it. In the same moment it is chance which are read together; see the room's note.
    private static async Task AskTogetherAsync(IRunner runner, int tokens, int from, int count, int longAnswer)
    {
        if (count == 1)
        {
            await AskAsync(runner, tokens, from);
            return;
        }

        using var request = Question(runner, tokens, from, longAnswer, stream: true);
        using var response = await runner.Connections.SendAsync(request, LongPatience());
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(LongPatience()));
        var first = await lines.ReadLineAsync(LongPatience());
        await Task.WhenAll(Enumerable.Range(from + 1, count - 1).Select(number => AskAsync(runner, tokens, number)));
        var rest = await lines.ReadToEndAsync(LongPatience());

        Assert.True(response.IsSuccessStatusCode, first);
        Assert.EndsWith("data: [DONE]", rest.TrimEnd(), StringComparison.Ordinal);
    }

    private static HttpRequestMessage Question(IRunner runner, int tokens, int number, int answer, bool stream)
    {
        // One token a letter, and each prompt another one from its first letter on.
        var text = new string([.. Enumerable.Range(0, tokens - TemplateTokens).Select(i => (char)('a' + (((i * 7) + (number * 3) + (i / 26)) % 26)))]);
        var body = JsonSerializer.Serialize(new { model = runner.Manners.UpstreamModel, stream, max_tokens = answer, messages = new[] { new { role = "user", content = text } } });
        return new HttpRequestMessage(HttpMethod.Post, new Uri(runner.Address, "/v1/chat/completions")) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
    }

    private static async Task AskAsync(IRunner runner, int tokens, int number)
    {
        using var request = Question(runner, tokens, number, AnswerTokens, stream: false);
        using var response = await runner.Connections.SendAsync(request, LongPatience());
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(LongPatience()))!;

        Assert.True(response.IsSuccessStatusCode, answer.ToJsonString());
        Assert.Equal((tokens, AnswerTokens), ((int)answer["usage"]!["prompt_tokens"]!, (int)answer["usage"]!["completion_tokens"]!));
    }

    private static CancellationToken LongPatience()
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(TimeSpan.FromMinutes(10));
        return source.Token;
    }
}
