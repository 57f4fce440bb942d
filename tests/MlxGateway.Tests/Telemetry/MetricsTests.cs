using System.Globalization;
using MlxGateway.Telemetry.Exposition;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>What <c>/metrics</c> says, held against what happened.</summary>
[Collection(nameof(WatchedRun))]
public sealed class MetricsTests(WatchedRun run)
{
    private static readonly string[] Models = ["a", "b", "broken", "huge"];

    private Scrape After => run.After;

    [Fact]
    public void Scrape_HasTheTypeOfItsFormatAndEveryFamily()
    {
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", run.ContentType);
        Assert.Equal(Families.All.Select(static f => f.Name).Order(StringComparer.Ordinal), After.Types.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Requests_AreCountedOnceEachAsTheyEnded()
    {
        var said = After.Samples.Where(static s => s.Name == "mlxgateway_requests_total")
            .ToDictionary(static s => (Label(s, "model"), Label(s, "route"), Label(s, "outcome"), Label(s, "status"), Label(s, "code")), static s => (int)s.Value);

        Assert.Equal(run.Over.GroupBy(static r => r).ToDictionary(static g => g.Key, static g => g.Count()).OrderBy(static e => e.Key), said.OrderBy(static e => e.Key));
        foreach (var ended in run.Over.GroupBy(static r => (r.Model, r.Route, r.Outcome)))
        {
            Assert.Equal(ended.Count(), Sum("mlxgateway_request_duration_seconds_count", ("model", ended.Key.Model), ("route", ended.Key.Route), ("outcome", ended.Key.Outcome)));
        }
    }

    [Fact]
    public void Refusals_AreCountedByTheirCode()
    {
        foreach (var refused in run.Over.Where(static r => r.Outcome == "refused").GroupBy(static r => (r.Code, r.Model)))
        {
            Assert.Equal(refused.Count(), Sum("mlxgateway_refusals_total", ("code", refused.Key.Code), ("model", refused.Key.Model)));
        }

        Assert.Equal(run.Over.Count(static r => r.Outcome == "refused"), After.Sum("mlxgateway_refusals_total"));

        // At the door as well, where nothing has become a request to a model yet.
        Assert.Equal(1, After.Sum("mlxgateway_http_errors_total", ("code", "not_found"), ("status", "404")));
        Assert.Equal(1, After.Sum("mlxgateway_http_errors_total", ("code", "model_not_found")));
    }

    [Fact]
    public void Tokens_AreThoseThatTheAnswersNamed()
    {
        foreach (var (model, (prompt, completion)) in run.Tokens)
        {
            Assert.Equal((prompt, completion), (After.Sum("mlxgateway_prompt_tokens_total", ("model", model)), After.Sum("mlxgateway_completion_tokens_total", ("model", model))));
            Assert.Equal((prompt, completion), (After.Sum("vllm:prompt_tokens_total", ("model_name", model)), After.Sum("vllm:generation_tokens_total", ("model_name", model))));
            Assert.Equal((prompt, completion), (After.Sum("vllm:request_prompt_tokens_sum", ("model_name", model)), After.Sum("vllm:request_generation_tokens_sum", ("model_name", model))));
        }

        Assert.True(run.Tokens["a"].Completion > 0);
    }

    [Fact]
    public void Times_AreThereForWhatHadThem()
    {
        // Streams whose first piece came: one whole and one that broke on b, one that was left on each.
        Assert.Equal((1, 3), (After.Sum("mlxgateway_time_to_first_token_seconds_count", ("model", "a")), After.Sum("mlxgateway_time_to_first_token_seconds_count", ("model", "b"))));
        Assert.Equal((1, 3), (After.Sum("vllm:time_to_first_token_seconds_count", ("model_name", "a")), After.Sum("vllm:time_to_first_token_seconds_count", ("model_name", "b"))));

        // A whole stream whose tokens were counted.
        Assert.Equal(1, After.Sum("mlxgateway_time_per_output_token_seconds_count"));
        Assert.True(After.Sum("mlxgateway_time_per_output_token_seconds_sum", ("model", "b")) is > 0 and < 1);
        foreach (var name in new[] { "time_per_output_token_seconds", "inter_token_latency_seconds", "request_time_per_output_token_seconds" })
        {
            Assert.Equal(1, After.Sum($"vllm:{name}_count", ("model_name", "b")));
        }

        // Everybody who came to a model stood in its line, if only for a moment.
        foreach (var model in Models)
        {
            var came = run.Over.Count(r => r.Model == model);
            Assert.Equal((came, came), (After.Sum("mlxgateway_request_queue_seconds_count", ("model", model)), After.Sum("vllm:request_queue_time_seconds_count", ("model_name", model))));
        }

        // The first of each load waited for it: a twice and b once; whoever is refused has had no load.
        Assert.Equal((2, 1, 0), (After.Sum("mlxgateway_request_load_seconds_count", ("model", "a")), After.Sum("mlxgateway_request_load_seconds_count", ("model", "b")), After.Sum("mlxgateway_request_load_seconds_count", ("model", "broken"))));
        Assert.InRange(After.Sum("mlxgateway_request_load_seconds_sum"), 0.01, After.Sum("mlxgateway_request_duration_seconds_sum"));
    }

    [Fact]
    public void VllmRequests_AreThoseThatWereAnswered()
    {
        foreach (var model in new[] { "a", "b" })
        {
            var completed = run.Over.Count(r => r.Model == model && r.Outcome == "completed");
            var aborted = run.Over.Count(r => r.Model == model && r.Outcome is "client_left" or "cancelled" && r.Model == model);
            Assert.Equal(completed, After.Sum("vllm:request_success_total", ("model_name", model), ("finished_reason", "stop")));
            Assert.Equal(aborted, After.Sum("vllm:request_success_total", ("model_name", model), ("finished_reason", "abort")));
            Assert.Equal(completed, After.Sum("vllm:e2e_request_latency_seconds_count", ("model_name", model)));
        }
    }

    [Fact]
    public void Pool_LaunchesSwapsAndEvictionsAreWhatHappened()
    {
        Assert.Equal((2, 1), (After.Sum("mlxgateway_model_launches_total", ("model", "a"), ("outcome", "ready")), After.Sum("mlxgateway_model_launches_total", ("model", "b"), ("outcome", "ready"))));
        Assert.Equal(1, After.Sum("mlxgateway_model_launches_total", ("model", "broken"), ("runner", "demo"), ("outcome", "failed")));
        Assert.Equal(4, After.Sum("mlxgateway_model_launches_total"));
        Assert.Equal(4, After.Sum("mlxgateway_model_launch_seconds_count"));
        Assert.True(After.Sum("mlxgateway_model_launch_seconds_sum", ("model", "a")) > 0.01);

        Assert.Equal((1, 1), (After.Sum("mlxgateway_model_swaps_total", ("model", "b")), After.Sum("mlxgateway_model_swaps_total")));
        Assert.Equal(1, After.Sum("mlxgateway_model_evictions_total", ("model", "a"), ("reason", "swap")));
        Assert.Equal(1, After.Sum("mlxgateway_model_evictions_total", ("model", "b"), ("reason", "failure")));
        Assert.Equal(1, After.Sum("mlxgateway_model_evictions_total", ("model", "a"), ("reason", "unload")));
        Assert.Equal(3, After.Sum("mlxgateway_model_evictions_total"));
    }

    [Fact]
    public void State_WhileOneIsServedAndOneWaits_IsThat()
    {
        var during = run.During;
        Assert.Equal((1, 1, 2), (during.Sum("mlxgateway_requests_running"), during.Sum("mlxgateway_requests_waiting"), during.Sum("mlxgateway_requests_in_flight")));
        Assert.Equal((1, 1), (during.Sum("vllm:num_requests_running", ("model_name", "a")), during.Sum("vllm:num_requests_waiting", ("model_name", "a"))));

        var resident = Assert.Single(run.Running, static m => m.State == "ready");
        Assert.Equal(1, during.Sum("mlxgateway_model_state", ("model", resident.Model), ("state", "ready")));
        Assert.Equal(100L << 20, during.Sum("mlxgateway_model_planned_bytes", ("model", "a")));
        Assert.Equal(100L << 20, during.Sum("mlxgateway_memory_planned_bytes"));
        Assert.InRange(during.Sum("mlxgateway_model_observed_bytes", ("model", "a")), 5 << 20, 1 << 30);
        Assert.InRange(during.Sum("mlxgateway_memory_usable_bytes"), 1, during.Sum("mlxgateway_memory_budget_bytes"));

        // Unloaded, it is not told of any more.
        Assert.False(After.Has("mlxgateway_model_planned_bytes"));
        Assert.False(After.Has("mlxgateway_model_state", ("model", "a")));
        Assert.Equal((0, 0), (After.Sum("mlxgateway_requests_in_flight"), After.Sum("mlxgateway_memory_planned_bytes")));
    }

    [Fact]
    public void Process_SaysWhatTheSystemSaysOfIt()
    {
        Assert.InRange(After.Sum("process_cpu_seconds_total"), 0.1, 600);
        Assert.InRange(After.Sum("process_resident_memory_bytes"), 30 << 20, 2L << 30);
        Assert.InRange(After.Sum("process_open_fds"), 20, 2000);
        Assert.InRange(After.Sum("process_start_time_seconds"), DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 600, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        Assert.Equal(1, After.Sum("mlxgateway_build_info"));
    }

    [Fact]
    public void Labels_HoldNothingThatAClientWrote()
    {
        Assert.All(After.Samples.Select(static s => Label(s, "model") + Label(s, "model_name")).Where(static m => m.Length > 0), m => Assert.Contains(m, Models));
        foreach (var text in new[] { WatchedRun.UnknownModel, WatchedRun.PromptSecret, WatchedRun.AnswerSecret, "no/such/route" })
        {
            Assert.DoesNotContain(text, run.AfterText, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Instruments_TellTheCollectorTheSame()
    {
        var told = run.Collector.Metrics;
        foreach (var ended in run.Over.GroupBy(static r => (r.Model, r.Outcome, r.Status)).Where(static g => g.Key.Model.Length > 0))
        {
            Assert.Equal((ulong)ended.Count(), told["gen_ai.server.request.duration"].Count(("gen_ai.request.model", ended.Key.Model), ("mlxgateway.outcome", ended.Key.Outcome), ("http.response.status_code", long.Parse(ended.Key.Status, CultureInfo.InvariantCulture))));
        }

        Assert.Equal(("s", "{token}"), (told["gen_ai.server.request.duration"].Unit, told["gen_ai.client.token.usage"].Unit));
        Assert.Equal(run.Tokens["a"].Prompt, told["gen_ai.client.token.usage"].Sum(("gen_ai.request.model", "a"), ("gen_ai.token.type", "input"), ("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "demo")));
        Assert.Equal(run.Tokens["b"].Completion, told["gen_ai.client.token.usage"].Sum(("gen_ai.request.model", "b"), ("gen_ai.token.type", "output")));
        Assert.Equal(3UL, told["gen_ai.server.time_to_first_token"].Count(("gen_ai.request.model", "b")));
        Assert.Equal(1UL, told["gen_ai.server.time_per_output_token"].Count(("gen_ai.request.model", "b")));
        Assert.Equal(4UL, told["mlxgateway.model.launch.duration"].Count());
        Assert.Equal(1, told["mlxgateway.model.swaps"].Sum(("mlxgateway.model", "b")));
        Assert.Equal(1, told["mlxgateway.model.evictions"].Sum(("mlxgateway.model", "a"), ("mlxgateway.reason", "swap")));
        Assert.Equal(3, told["mlxgateway.model.evictions"].Sum());
        Assert.Equal(1, told["mlxgateway.http.errors"].Sum(("error.type", "not_found")));
        Assert.True(told["process.cpu.time"].Sum() > 0);
        Assert.Contains(told.Keys, static name => name.StartsWith("dotnet.gc.", StringComparison.Ordinal));
    }

    private double Sum(string name, params (string Label, string Value)[] labels) =>
        After.Samples.Where(s => s.Name == name && Array.TrueForAll(labels, l => Label(s, l.Label) == l.Value)).Sum(static s => s.Value);

    private static string Label(Scrape.Sample sample, string name) => sample.Labels.GetValueOrDefault(name, "");
}
