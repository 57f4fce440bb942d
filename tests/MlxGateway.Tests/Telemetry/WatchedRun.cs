using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>
/// One life of a gateway in which everything happens that is measured: answers whole and streamed, loads, swaps, a client that leaves, a request that is called off, refusals, errors of runners, a runner that
/// dies, one that cannot start. It is scraped and it exports, and what it told is kept beside what really happened.
/// </summary>
public sealed class WatchedRun : IAsyncLifetime
{
    public const string Trace = "0af7651916cd43dd8448eb211c80319c";
    public const string ClientSpan = "b7ad6b7169203331";
    public const string PromptSecret = "PROMPT-7391-wombat";
    public const string AnswerSecret = "ANSWER-4620-quokka";
    public const string UnknownModel = "no-such-model-5512";
    private const string Chat = "/v1/chat/completions";
    private const string Endless = "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.005}";

    private readonly List<(string Model, string Route, string Outcome, string Status, string Code)> _over = [];

    /// <summary>The requests that are over, each as it ended.</summary>
    public IReadOnlyList<(string Model, string Route, string Outcome, string Status, string Code)> Over => _over;

    /// <summary>What the engines said that answers cost, by model.</summary>
    public Dictionary<string, (long Prompt, long Completion)> Tokens { get; } = new(StringComparer.Ordinal) { ["a"] = (0, 0), ["b"] = (0, 0) };

    /// <summary>The header by which the runner of the traced request was told of its span.</summary>
    public JsonElement RunnerHeaders { get; private set; }

    /// <summary>The id of the traced request.</summary>
    public string TracedId { get; private set; } = "";

    /// <summary>The scrape while one request was served and one waited.</summary>
    internal Scrape During { get; private set; } = null!;

    /// <summary>What <c>/running</c> said at that time.</summary>
    public IReadOnlyList<RunningModel> Running { get; private set; } = [];

    /// <summary>The last scrape.</summary>
    internal Scrape After { get; private set; } = null!;

    /// <summary>The text of the last scrape.</summary>
    public string AfterText { get; private set; } = "";

    /// <summary>The content type of a scrape.</summary>
    public string? ContentType { get; private set; }

    /// <summary>The gateway's process.</summary>
    public int Pid { get; private set; }

    internal OtlpCollector Collector { get; } = new();

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        await using var gateway = await Gateway.StartAsync(
            """
            "a":      {"Runner":"demo","Memory":"100MB","MaxConcurrency":1},
            "b":      {"Runner":"demo","Memory":"120MB"},
            "broken": {"Runner":"demo","Memory":"100MB","Args":["--exit-at-start","3"]},
            "huge":   {"Runner":"demo","Memory":"100000GB"}
            """,
            $$"""
            "Residency":{"Cooldown":"00:00:00.2"},"Telemetry":{"Otlp":{"Endpoint":"{{Collector.Address}}","Protocol":"HttpProtobuf","Headers":"x-collector-key=sesame"} }
            """);
        Pid = gateway.Pid;
        await LivesAsync(gateway);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Collector.DisposeAsync();

    private async Task LivesAsync(Gateway gateway)
    {
        // A load, and whole answers.
        await WholeAsync(gateway, "a");
        await WholeAsync(gateway, "a");

        // A swap, in a trace that the client began, streamed.
        var traced = await gateway.PostAsync(Chat, Body("b", "\"stream\":true,\"stream_options\":{\"include_usage\":true}"), ("traceparent", $"00-{Trace}-{ClientSpan}-01"), ("tracestate", "vendor=opaque"));
        Assert.Equal(200, traced.Status);
        Count("b", JsonDocument.Parse(traced.Text.Split("data: ").Single(static e => e.Contains("\"usage\":{", StringComparison.Ordinal)).Trim()).RootElement);
        TracedId = traced.Header("x-request-id")!;
        Ended("b", Chat, "completed", 200);

        var last = await gateway.GetAsync("/upstream/b/demo/last");
        RunnerHeaders = last.Json.GetProperty("headers");
        Ended("b", "/upstream/{**rest}", "completed", 200);

        // A client that leaves, and a request that is called off.
        using (var leaving = await gateway.OpenChatAsync("b", Endless))
        {
            await leaving.ReadUntilAsync("data: ");
        }

        Ended("b", Chat, "client_left", 200);
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "b", Leases: 0 }));
        var cancelled = gateway.PostAsync(Chat, Body("b", "\"demo\":{\"endless\":true,\"token_delay\":0.005}"), ("x-request-id", "off"));
        await gateway.UntilRunningAsync(static r => r.Any(static m => m is { Model: "b", Leases: 1 }));
        Assert.Equal(200, (await gateway.PostAsync("/api/requests/off/cancel", "")).Status); // asked before it is there, it would be an error that is counted
        Assert.Equal(499, (await cancelled).Status);
        Ended("b", Chat, "cancelled", 499, "request_cancelled");

        // Errors of the runner's own, and refusals.
        var teapot = (await gateway.PostAsync(Chat, Body("b", "\"demo\":{\"status\":418}"))).Status;
        Ended("b", Chat, "failed", teapot, "invalid_request");
        Assert.Equal(502, (await gateway.PostAsync(Chat, Body("b", "\"demo\":{\"status\":500}"))).Status);
        Ended("b", Chat, "broken", 502, "runner_failed");
        Assert.Equal(404, (await gateway.PostAsync(Chat, Body(UnknownModel))).Status);
        Ended("", Chat, "refused", 404, "model_not_found");
        Assert.Equal(400, (await gateway.PostAsync(Chat, Body("huge"))).Status);
        Ended("huge", Chat, "refused", 400, "insufficient_memory");
        Assert.Equal(404, (await gateway.GetAsync("/no/such/route")).Status);

        // A runner that dies under a stream, and one that cannot start: the second is a swap too.
        using (var dying = await gateway.OpenChatAsync("b", "\"stream\":true,\"demo\":{\"die_after\":3}"))
        {
            Assert.Contains("runner_failed", (await dying.ReadToEndAsync()).Text, StringComparison.Ordinal);
        }

        Ended("b", Chat, "broken", 200, "runner_failed");
        await gateway.UntilRunningAsync(static r => r.Count == 0);
        Assert.Equal(503, (await gateway.PostAsync(Chat, Body("broken"))).Status);
        Ended("broken", Chat, "refused", 503, "model_launch_failed");

        // One is served and one waits.
        var busy = await gateway.OpenChatAsync("a", Endless);
        await busy.ReadUntilAsync("data: ");
        var waiting = gateway.PostAsync(Chat, Body("a"));
        Running = await gateway.UntilRunningAsync(static r => r.Any(static m => m is { Model: "a", Leases: 1, Waiting: 1 }));
        During = new Scrape((await gateway.GetAsync("/metrics")).Text);
        busy.Dispose();
        Ended("a", Chat, "client_left", 200);
        Count("a", (await waiting).Json);
        Ended("a", Chat, "completed", 200);

        Assert.Equal(200, (await gateway.PostAsync("/api/models/unload/a", "")).Status);

        // A request is measured a moment after its client has its answer.
        await Gateway.UntilAsync(async () =>
        {
            var scraped = await gateway.GetAsync("/metrics");
            (ContentType, AfterText, After) = (scraped.Header("Content-Type"), scraped.Text, new Scrape(scraped.Text));
            return After.Sum("mlxgateway_requests_total") >= _over.Count;
        });
    }

    private async Task WholeAsync(Gateway gateway, string model)
    {
        var answer = await gateway.PostAsync(Chat, Body(model));
        Assert.Equal(200, answer.Status);
        Assert.Contains(AnswerSecret, answer.Content, StringComparison.Ordinal);
        Count(model, answer.Json);
        Ended(model, Chat, "completed", 200);
    }

    private void Count(string model, JsonElement answer)
    {
        var usage = answer.GetProperty("usage");
        Tokens[model] = (Tokens[model].Prompt + usage.GetProperty("prompt_tokens").GetInt64(), Tokens[model].Completion + usage.GetProperty("completion_tokens").GetInt64());
    }

    private void Ended(string model, string route, string outcome, int status, string code = "") =>
        _over.Add((model, route, outcome, status.ToString(System.Globalization.CultureInfo.InvariantCulture), code));

    private static string Body(string model, string members = "\"demo\":{\"say\":\"" + AnswerSecret + " and so on\"}") =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":"{{PromptSecret}} please"}],{{members}}}""";
}

/// <summary>Tests that look at the same run.</summary>
[CollectionDefinition(nameof(WatchedRun))]
public sealed class WatchedRuns : ICollectionFixture<WatchedRun>;
