using static MlxGateway.Telemetry.Exposition.FamilyType;

namespace MlxGateway.Telemetry.Exposition;

/// <summary>Everything that <c>/metrics</c> shows.</summary>
internal static class Families
{
    private const string Duration = "gen_ai.server.request.duration";
    private const string Tokens = "gen_ai.client.token.usage";
    private const string FirstToken = "gen_ai.server.time_to_first_token";
    private const string PerToken = "gen_ai.server.time_per_output_token";
    private const string Queue = "mlxgateway.request.queue.duration";
    private const string Launches = "mlxgateway.model.launch.duration";

    private static readonly (string, string) Model = ("model", Tag.Model);
    private static readonly (string, string) Resident = ("model", Tag.Resident);

    private static readonly (string, string[]) Completed = (Tag.Outcome, ["completed"]);
    private static readonly (string, string[]) Input = (Tag.TokenType, ["input"]);
    private static readonly (string, string[]) Output = (Tag.TokenType, ["output"]);

    /// <summary>The gateway's own names.</summary>
    private static readonly Family[] Own =
    [
        new("mlxgateway_build_info", Gauge, "1, with the version.", "mlxgateway.build", ("version", Tag.Version)),

        new("mlxgateway_requests_total", Counter, "Requests to models that are over, by how they ended.", Duration, Model, ("route", Tag.Route), ("outcome", Tag.Outcome), ("status", Tag.Status), ("code", Tag.Error)) { Counts = true },
        new("mlxgateway_request_duration_seconds", Histogram, "From a request's arrival to the end of its answer.", Duration, Model, ("route", Tag.Route), ("outcome", Tag.Outcome)),
        new("mlxgateway_refusals_total", Counter, "Requests to models that were refused, by the code of the error.", Duration, Model, ("code", Tag.Error)) { Counts = true, Only = (Tag.Outcome, ["refused"]) },
        new("mlxgateway_http_errors_total", Counter, "Requests of any kind that were answered with an error, those at the door too.", "mlxgateway.http.errors", ("code", Tag.Error), ("status", Tag.Status)),
        new("mlxgateway_requests_in_flight", Gauge, "Requests to models that are being read, wait or are served.", "mlxgateway.requests.in_flight"),
        new("mlxgateway_requests_running", Gauge, "Requests that have a runner, which is at work on them.", "mlxgateway.requests.running", Resident),
        new("mlxgateway_requests_waiting", Gauge, "Requests that wait for their model, or for their turn.", "mlxgateway.requests.waiting", Resident),
        new("mlxgateway_request_queue_seconds", Histogram, "How long requests waited for their turn, loading not counted.", Queue, Model),
        new("mlxgateway_request_load_seconds", Histogram, "How long requests waited for the load of their model, of those that had to.", "mlxgateway.request.load.duration", Model),

        new("mlxgateway_prompt_tokens_total", Counter, "Tokens of prompts, as the engines counted them.", Tokens, Model) { Only = Input },
        new("mlxgateway_cached_prompt_tokens_total", Counter, "Of the prompts' tokens those that the engines still had from before.", "mlxgateway.tokens.cached", Model),
        new("mlxgateway_completion_tokens_total", Counter, "Tokens of answers, as the engines counted them.", Tokens, Model) { Only = Output },
        new("mlxgateway_time_to_first_token_seconds", Histogram, "From a streamed request's arrival to the first piece of its answer.", FirstToken, Model),
        new("mlxgateway_time_per_output_token_seconds", Histogram, "The mean time of an answer's tokens behind the first, one measurement for each answer.", PerToken, Model),

        new("mlxgateway_model_launches_total", Counter, "Launches of models, by how they went.", Launches, Resident, ("runner", Tag.Runner), ("outcome", Tag.Outcome)) { Counts = true },
        new("mlxgateway_model_launch_seconds", Histogram, "From the order to launch a model until it was ready, or the launch was over otherwise.", Launches, Resident, ("outcome", Tag.Outcome)),
        new("mlxgateway_model_swaps_total", Counter, "Launches in the place of models that were sent away for them, by the newcomer.", "mlxgateway.model.swaps", Resident),
        new("mlxgateway_model_evictions_total", Counter, "Models that left memory, by the reason.", "mlxgateway.model.evictions", Resident, ("reason", Tag.Reason)),
        new("mlxgateway_model_state", Gauge, "1: the model is in this state. Models that are not in memory are not shown.", "mlxgateway.model.state", Resident, ("state", Tag.State)),
        new("mlxgateway_model_planned_bytes", Gauge, "What a model in memory is counted with.", "mlxgateway.model.memory.planned", Resident),
        new("mlxgateway_model_observed_bytes", Gauge, "What the processes of a model in memory take, the files that they map with them.", "mlxgateway.model.memory.observed", Resident),
        new("mlxgateway_memory_planned_bytes", Gauge, "What all models in memory are counted with.", "mlxgateway.memory.planned"),
        new("mlxgateway_memory_budget_bytes", Gauge, "The most that all models may ever use.", "mlxgateway.memory.budget"),
        new("mlxgateway_memory_usable_bytes", Gauge, "The most that all models may use now, beside what other programs hold.", "mlxgateway.memory.usable"),

        new("process_cpu_seconds_total", Counter, "Processor time of the gateway's own process.", "process.cpu.time"),
        new("process_resident_memory_bytes", Gauge, "Resident memory of the gateway's own process.", "process.memory.usage"),
        new("process_open_fds", Gauge, "Open files and connections of the gateway's own process.", "process.open_file_descriptor.count"),
        new("process_start_time_seconds", Gauge, "When the gateway was started, in seconds since 1970.", "process.start.time"),
    ];

    /// <summary>The same under the names of vLLM, so that dashboards made for it work. What has no meaning here, as the use of its cache, is not there.</summary>
    private static readonly Family[] OfVllm =
    [
        Vllm("num_requests_running", Gauge, "Number of requests that a runner is at work on.", "mlxgateway.requests.running", Tag.Resident),
        Vllm("num_requests_waiting", Gauge, "Number of requests that wait for their model or their turn.", "mlxgateway.requests.waiting", Tag.Resident),
        Vllm("prompt_tokens_total", Counter, "Number of prompt tokens.", Tokens) with { Only = Input },
        Vllm("generation_tokens_total", Counter, "Number of tokens of answers.", Tokens) with { Only = Output },
        Vllm("request_prompt_tokens", Histogram, "Prompt tokens of a request.", Tokens) with { Only = Input },
        Vllm("request_generation_tokens", Histogram, "Tokens of an answer.", Tokens) with { Only = Output },
        Vllm("time_to_first_token_seconds", Histogram, "Time to first token in seconds.", FirstToken),
        Vllm("time_per_output_token_seconds", Histogram, "Time per output token in seconds, the mean of each answer.", PerToken),
        Vllm("inter_token_latency_seconds", Histogram, "Time between tokens in seconds, the mean of each answer.", PerToken),
        Vllm("request_time_per_output_token_seconds", Histogram, "Time per output token in seconds, the mean of each answer.", PerToken),
        Vllm("e2e_request_latency_seconds", Histogram, "From a request's arrival to the end of its answer in seconds.", Duration) with { Only = Completed },
        Vllm("request_queue_time_seconds", Histogram, "Time that requests waited for their turn in seconds.", Queue),
        new("vllm:request_success_total", Counter, "Number of requests that were processed, by why they ended.", Duration, ("model_name", Tag.Model), ("finished_reason", Tag.Finish)) { Counts = true, Only = (Tag.Finish, ["stop", "length", "abort"]) },
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Family> All { get; } = [.. Own, .. OfVllm];

    private static Family Vllm(string name, FamilyType type, string help, string instrument, string model = Tag.Model) => new($"vllm:{name}", type, help, instrument, ("model_name", model));
}
