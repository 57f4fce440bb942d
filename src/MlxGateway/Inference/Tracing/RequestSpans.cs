using System.Diagnostics;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Tracing;

/// <summary>
/// The spans of a request: itself, and under it what it waited for and each time that it was sent to a runner. They are the runtime's own activities, so that where nobody listens there is none,
/// and a request costs a look. No text of the client's or of the model's is in them.
/// </summary>
internal static class RequestSpans
{
    /// <summary>The name of their source.</summary>
    public const string Name = "MlxGateway.Inference";

    // An engine's own word; nobody here knows how long it may be.
    private const int LongestFinishReason = 64;

    // What is shorter is the way from the loop to the request, and no second wait for a turn.
    private static readonly TimeSpan Instant = TimeSpan.FromMilliseconds(5);

    private static readonly ActivitySource Source = new(Name);

    /// <summary>Begins the span of a request, in the trace that its client began, if it did. Null where nobody traces, and where enough are traced already: such a request costs what it costs without.</summary>
    public static Activity? Begin(HttpContext context, InferenceRoute route, TracePace pace)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var headers = context.Request.Headers;
        if (!ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var parent))
        {
            if (!pace.Take())
            {
                return null;
            }

            Activity.Current = null; // should the server have begun one of its own, it is one that nobody sees, and this would be left out with it
        }

        return Source.StartActivity(Operations.Of(route.Path), ActivityKind.Server, parent);
    }

    /// <summary>Ends the span of a request, with what is known once it is over.</summary>
    public static void End(Activity? span, RequestRecord record, string method)
    {
        if (span is null)
        {
            return;
        }

        if (span.IsAllDataRequested)
        {
            Describe(span, record, method);
        }

        span.Dispose();
    }

    /// <summary>The spans of a wait that is over: for the model's load, which has the launch as a link, and for the turn before and behind it.</summary>
    /// <param name="exchange">The request; without a span of its own there are none.</param>
    /// <param name="asked">When it asked for the model.</param>
    /// <param name="now">The end of the wait.</param>
    /// <param name="lease">What it got; null: nothing.</param>
    public static void Waited(InferenceExchange exchange, DateTimeOffset asked, DateTimeOffset now, ModelLease? lease)
    {
        if (exchange.Span is null || (lease is not null && lease.Queued + lease.Loading == TimeSpan.Zero))
        {
            return;
        }

        if (lease?.Load is not { } load)
        {
            Wait("queue", exchange, asked, now, isGranted: lease is not null);
            return;
        }

        var ready = load.ReadyAt < asked ? asked : load.ReadyAt > now ? now : load.ReadyAt;
        var begun = ready - lease.Loading < asked ? asked : ready - lease.Loading;
        Wait("queue", exchange, asked, begun, isGranted: true);
        Wait("load", exchange, begun, ready, isGranted: true, load.Span);
        if (now - ready > Instant)
        {
            Wait("queue", exchange, ready, now, isGranted: true);
        }
    }

    /// <summary>Begins the span of one attempt to have the request served by a runner. Null where nobody traces.</summary>
    public static Activity? Forward(InferenceExchange exchange, ModelLease lease)
    {
        if (exchange.Span is null || Source.StartActivity($"forward {lease.Model.Id}", ActivityKind.Client) is not { } span)
        {
            return null;
        }

        span.SetTag("gen_ai.operation.name", Operations.Of(exchange.Route.Path));
        span.SetTag("gen_ai.provider.name", lease.Model.Runner);
        span.SetTag("gen_ai.request.model", lease.Model.Id);
        span.SetTag("server.address", lease.Runner.Address.Host);
        span.SetTag("server.port", lease.Runner.Address.Port);
        return span;
    }

    /// <summary>Ends the span of an attempt.</summary>
    /// <param name="forward">The span; null: nobody traces.</param>
    /// <param name="exchange">The request.</param>
    /// <param name="result">What came of it; null: nothing, because nobody wants it any more.</param>
    public static void End(Activity? forward, InferenceExchange exchange, ForwardResult? result)
    {
        if (forward is null)
        {
            return;
        }

        if (result is null or { Exception: not null } or { Error: not null })
        {
            // A runner whose client has left, or was told that its request is called off, has not failed.
            forward.SetTag("error.type", exchange.Left.IsCancellationRequested ? WhyLeft(exchange) : result?.Error?.Code ?? "runner_failed");
            forward.SetStatus(ActivityStatusCode.Error);
        }

        forward.Dispose();
    }

    /// <summary>Tells a runner which span it works for. The client's own state of the trace, which may be any text, goes no further than to whoever collects the spans.</summary>
    public static void Propagate(HttpRequestMessage request)
    {
        if (Activity.Current is { Id: { } id } span && span.Source == Source)
        {
            request.Headers.TryAddWithoutValidation("traceparent", id);
        }
    }

    private static void Describe(Activity span, RequestRecord record, string method)
    {
        var operation = span.OperationName;
        span.DisplayName = record.Model is null ? operation : $"{operation} {record.Model}";
        span.SetTag("gen_ai.operation.name", operation);
        span.SetTag("gen_ai.provider.name", record.Runner);
        span.SetTag("gen_ai.request.model", record.Model);
        span.SetTag("gen_ai.usage.input_tokens", record.PromptTokens);
        span.SetTag("gen_ai.usage.output_tokens", record.CompletionTokens);
        span.SetTag("gen_ai.usage.cache_read.input_tokens", record.CachedTokens);
        if (record.FinishReason is { } reason)
        {
            span.SetTag("gen_ai.response.finish_reasons", new[] { reason.Length <= LongestFinishReason ? reason : reason[..LongestFinishReason] });
        }

        span.SetTag("gen_ai.response.time_to_first_chunk", record.FirstToken?.TotalSeconds);
        span.SetTag("http.request.method", method);
        span.SetTag("http.route", record.Route);
        span.SetTag("http.response.status_code", record.Status);
        span.SetTag("mlxgateway.request.id", record.Id);
        span.SetTag("mlxgateway.outcome", OutcomeNames.Of(record.Outcome));
        if (record.Code is { } code)
        {
            span.SetTag("error.type", code);
        }

        // By the conventions a request that its client got wrong is not an error of the server's.
        if (record.Outcome is RequestOutcome.Broken or RequestOutcome.Failed || record.Status >= StatusCodes.Status500InternalServerError)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    }

    private static string WhyLeft(InferenceExchange exchange) => exchange.IsCancelled ? "request_cancelled" : "client_left";

    private static void Wait(string what, InferenceExchange exchange, DateTimeOffset from, DateTimeOffset to, bool isGranted, ActivityContext link = default)
    {
        var links = link == default ? null : new[] { new ActivityLink(link) };
        using var span = Source.StartActivity($"{what} {exchange.Model.Id}", ActivityKind.Internal, exchange.Span!.Context, links: links, startTime: from);
        span?.SetTag("gen_ai.request.model", exchange.Model.Id);
        span?.SetEndTime(to.UtcDateTime);
        if (!isGranted)
        {
            span?.SetTag("error.type", exchange.Record.Code ?? WhyLeft(exchange));
            span?.SetStatus(ActivityStatusCode.Error);
        }
    }
}
