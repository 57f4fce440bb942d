using System.Text;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>What a collector is sent, held against what happened.</summary>
[Collection(nameof(WatchedRun))]
public sealed class TracesTests(WatchedRun run)
{
    private const ulong Internal = 1;
    private const ulong Server = 2;
    private const ulong Client = 3;

    // The pool measures by one clock and writes down by another, which are put right against each other now and then. In nanoseconds.
    private const ulong TwoClocks = 10_000_000;

    private IReadOnlyList<Span> Spans => run.Collector.Spans;

    private Span Traced => Spans.Single(static s => s.Trace == WatchedRun.Trace && s.Kind == Server);

    [Fact]
    public void Export_IsAddressedAsConfigured()
    {
        Assert.Equal(["/v1/logs", "/v1/metrics", "/v1/traces"], run.Collector.Posts.Select(static p => p.Path).Distinct().Order(StringComparer.Ordinal));
        Assert.All(run.Collector.Posts, static p => Assert.Contains("x-collector-key: sesame", p.Headers, StringComparison.OrdinalIgnoreCase));
        Assert.All(run.Collector.Resources, static r => Assert.Equal("mlxgateway", r["service.name"]));
    }

    [Fact]
    public void Request_OfATraceThatItsClientBegan_ContinuesIt()
    {
        Assert.Equal((WatchedRun.ClientSpan, "vendor=opaque", "chat b"), (Traced.Parent, Traced.State, Traced.Name));

        // The runner is told of the span that it works for, and of nothing else that the client wrote.
        var forward = Spans.Single(s => s.Trace == WatchedRun.Trace && s.Kind == Client);
        Assert.Equal($"00-{WatchedRun.Trace}-{forward.Id}-01", run.RunnerHeaders.GetProperty("traceparent").GetString());
        Assert.False(run.RunnerHeaders.TryGetProperty("tracestate", out _));
    }

    [Fact]
    public void Request_ThatCausedASwap_IsOneTraceFromTheQueueToTheForward()
    {
        var (root, children) = (Traced, Spans.Where(s => s.Trace == WatchedRun.Trace && s.Kind != Server).OrderBy(static s => s.Start).ThenBy(static s => s.End).ToList());

        Assert.All(children, c => Assert.Equal(root.Id, c.Parent));
        Assert.Equal([("queue b", Internal), ("load b", Internal), ("forward b", Client)], children.Where(static c => c.Name != "queue b" || c.Links.Count == 0).DistinctBy(static c => c.Name).Select(static c => (c.Name, c.Kind)));
        var (queue, load, forward) = (children[0], children.Single(static c => c.Name == "load b"), children[^1]);

        // What takes no time is exported with 100 ns.
        Assert.True(root.Start <= queue.Start && queue.Start <= queue.End && queue.End - load.Start <= 100 && load.Start < load.End && load.End <= forward.Start && forward.Start < forward.End && forward.End <= root.End);

        // The load is the launch's, but for what is before and behind it.
        var launch = Assert.Single(Spans, static s => s.Name == "launch b");
        Assert.Equal((launch.Trace, launch.Id), Assert.Single(load.Links));
        Assert.NotEqual(WatchedRun.Trace, launch.Trace);
        Assert.Equal("", launch.Parent);
        Assert.True(load.Start <= launch.Start + TwoClocks && launch.Start <= load.End && load.End <= launch.End + TwoClocks, $"The load {load.Start} to {load.End} is not that of the launch {launch.Start} to {launch.End}.");
        Assert.True(load.End - load.Start <= root.End - root.Start);
    }

    [Fact]
    public void Request_SaysWhatTheConventionsAskFor()
    {
        var said = Traced.Attributes;

        Assert.Equal(("chat", "demo", "b"), (said["gen_ai.operation.name"], said["gen_ai.provider.name"], said["gen_ai.request.model"]));
        Assert.Equal((run.Tokens["b"].Prompt, run.Tokens["b"].Completion), (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]));
        Assert.Equal(["stop"], (string[])said["gen_ai.response.finish_reasons"]);
        Assert.Equal(("POST", "/v1/chat/completions", 200L, run.TracedId), (said["http.request.method"], said["http.route"], said["http.response.status_code"], said["mlxgateway.request.id"]));
        Assert.True(said["gen_ai.response.time_to_first_chunk"] is > 0.0 and < 60.0);
        Assert.False(Traced.IsError);
        Assert.False(said.ContainsKey("error.type"));
    }

    [Fact]
    public void Requests_HaveOneSpanEachThatEndsAsTheyDid()
    {
        var servers = Spans.Where(static s => s.Kind == Server).ToList();

        Assert.Equal(
            run.Over.Select(static r => (r.Outcome, r.Status, r.Code)).Order(),
            servers.Select(static s => ((string)s.Attributes["mlxgateway.outcome"], s.Attributes["http.response.status_code"].ToString()!, (string)s.Attributes.GetValueOrDefault("error.type", ""))).Order());
        Assert.All(servers, static s => Assert.Equal(((string)s.Attributes["mlxgateway.outcome"]) is "broken" or "failed" || (long)s.Attributes["http.response.status_code"] >= 500, s.IsError));

        // A name that a client made up is no name of a span.
        Assert.Equal("chat", servers.Single(static s => s.Attributes.GetValueOrDefault("error.type") is "model_not_found").Name);
    }

    // Neither is the runner's fault.
    [Fact]
    public void Forwards_OfWhatNobodyWantsAnyMore_SayThat()
    {
        var servers = Spans.Where(static s => s.Kind == Server).ToDictionary(static s => s.Id);
        var why = Spans.Where(s => s.Kind == Client && servers[s.Parent].Attributes["mlxgateway.outcome"] is "cancelled" or "client_left").Select(s => (Of: (string)servers[s.Parent].Attributes["mlxgateway.outcome"], Why: s.Attributes.GetValueOrDefault("error.type"))).Order().ToList();

        Assert.Equal(("cancelled", "request_cancelled"), why[0]);
        Assert.Equal(3, why.Count);
        Assert.All(why[1..], static w => Assert.Equal(("client_left", "client_left"), w));
    }

    [Fact]
    public void Launches_AreTracesOfTheirOwnThatSayHowTheyWent()
    {
        Assert.Equal(["launch a", "launch a", "launch b", "launch broken"], Spans.Where(static s => s.Name.StartsWith("launch", StringComparison.Ordinal)).Select(static s => s.Name).Order(StringComparer.Ordinal));
        Assert.Equal(["launch broken"], Spans.Where(static s => s.Name.StartsWith("launch", StringComparison.Ordinal) && s.IsError).Select(static s => s.Name));

        // Whoever waited for a launch that failed was refused after a wait.
        Assert.Contains(Spans, static s => s is { Name: "queue broken", IsError: true } && (string)s.Attributes["error.type"] == "model_launch_failed");
    }

    [Fact]
    public void Log_HasTheTraceOfWhatItIsAbout()
    {
        var launch = Spans.Single(static s => s.Name == "launch b");
        Assert.Contains(run.Collector.Logs, l => l.Text.StartsWith("Started a runner for b", StringComparison.Ordinal) && (l.Trace, l.Span) == (launch.Trace, launch.Id));
    }

    [Fact]
    public void Log_DoesNotRepeatWhatTheSpansOfRequestsSay() =>
        Assert.DoesNotContain(run.Collector.Logs, static l => l.Attributes.ContainsKey("RequestId"));

    [Fact]
    public void Export_HoldsNoTextOfPromptOrAnswer()
    {
        Assert.NotEmpty(run.Collector.Posts);
        foreach (var text in new[] { WatchedRun.PromptSecret, WatchedRun.AnswerSecret })
        {
            Assert.All(run.Collector.Posts, p => Assert.True(p.Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) < 0, $"{p.Path} holds \"{text}\"."));
        }
    }
}
