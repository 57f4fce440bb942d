using System.Net;
using System.Net.Sockets;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using Polly;
using Polly.Retry;
using Yarp.ReverseProxy.Forwarder;

namespace MlxGateway.Inference;

/// <summary>The only place that sends a client's request to a runner.</summary>
internal sealed class RunnerForwarder(IHttpForwarder forwarder, IEnumerable<IAnswerFilterSource> filters, TimeProvider time)
{
    private readonly IAnswerFilterSource[] _filters = [.. filters];

    // A prefill may be silent for many minutes; what ends a request is the client, the runner or the pool, never a clock here.
    private static readonly ForwarderRequestConfig Config = new()
    {
        ActivityTimeout = Timeout.InfiniteTimeSpan,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    // A connection that was closed while nobody used it says so at once. A runner that has had a request for longer has begun it, and may be dying or hanging of it.
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(1);

    private static readonly RunnerTransformer Transformer = new();

    // Once more, and only where the runner cannot have begun: nobody listened, or a connection that had served before was closed under the request.
    private readonly ResiliencePipeline<ForwardResult> _resend = new ResiliencePipelineBuilder<ForwardResult> { TimeProvider = time }
        .AddRetry(new RetryStrategyOptions<ForwardResult>
        {
            ShouldHandle = static outcome => ValueTask.FromResult(outcome.Outcome.Result is { NothingBegan: true }),
            MaxRetryAttempts = 1,
            Delay = TimeSpan.FromMilliseconds(5),
        })
        .Build();

    /// <summary>Forwards the request and streams the answer back. Returns how it went; what the client must be told of a failure is left to the caller.</summary>
    public async Task<ForwardResult> ForwardAsync(InferenceExchange exchange, ModelLease lease)
    {
        var assembles = !exchange.Request.Stream && lease.Runner.Manners.AsksForStreams && exchange.Request.AskForStream();
        var first = await AttemptAsync(exchange, lease, assembles);
        return first.NothingBegan
            ? await _resend.ExecuteAsync(static async (state, _) => await state.Self.AttemptAsync(state.Exchange, state.Lease, state.Assembles), (Self: this, Exchange: exchange, Lease: lease, Assembles: assembles), CancellationToken.None)
            : first;
    }

    private async Task<ForwardResult> AttemptAsync(InferenceExchange exchange, ModelLease lease, bool assembles)
    {
        var request = exchange.Request;
        var manners = lease.Runner.Manners;
        await using var body = new RunnerResponse(exchange.Response, request, lease.Model.Id, lease.Model.Runner, time)
        {
            Filters = FiltersFor(exchange, lease),
            Assembler = assembles ? new StreamAssembler() : null,
            SaysNotFoundForAll = manners.SaysNotFoundForAll && !request.IsPassedThrough,
        };
        var attempt = new ForwardAttempt(body, closesConnection: request.Stream || request.IsPassedThrough || assembles || !manners.ReusesConnections);
        var sent = request.OpenBody();
        var begun = time.GetTimestamp();
        var inner = new InnerExchange(exchange, sent, body);
        inner.Context.Features.Set(attempt);
        var error = await forwarder.SendAsync(inner.Context, lease.Runner.Address.OriginalString, lease.Runner.Connections, Config, Transformer, lease.Revocation.Token);
        var exception = error == ForwarderError.None || body.HasSaidAll ? null : inner.Context.GetForwarderErrorFeature()?.Exception ?? new HttpRequestException($"Forwarding failed: {error}.");
        var isOver = exchange.Left.IsCancellationRequested || lease.Revocation.Reason is RevocationReason.Evicted or RevocationReason.ShuttingDown;
        return new ForwardResult
        {
            Error = exception is null ? await body.CompleteAsync(exchange.Left) : null,
            Exception = exception,
            IsErrorAnswer = exception is null && body.IsError,
            NothingBegan = exception is not null && body.FirstByteAt == 0 && !isOver && NothingBegan(exception, attempt, sent, lease, time.GetElapsedTime(begun)),
            FirstByteAt = body.FirstByteAt,
            FirstTokenAt = body.FirstTokenAt,
            Facts = body.Facts,
            FinishReason = body.FinishReason,
        };
    }

    /// <summary>
    /// Opens a WebSocket between client and runner, and returns when it is closed. It goes round the inner exchange: from the handshake on the connection itself is passed on, and there is
    /// nothing in it that the gateway could complete or repair.
    /// </summary>
    public async Task<ForwardResult> TunnelAsync(InferenceExchange exchange, ModelLease lease)
    {
        var (context, request) = (exchange.Context, exchange.Request);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(exchange.Left, lease.Revocation.Token);
        var status = context.Response.StatusCode;
        var error = await forwarder.SendAsync(context, lease.Runner.Address.OriginalString, lease.Runner.Connections, Config, new TunnelTransformer(request.RunnerPath, request.Query), over.Token);
        if (context.Features.Get<TunnelRefusal>() is { } refusal)
        {
            context.Response.StatusCode = status;
            return new ForwardResult { Error = RunnerError.OfHandshake(refusal.Status, lease.Model.Id, lease.Model.Runner, request.RunnerPath) };
        }

        var exception = context.GetForwarderErrorFeature()?.Exception;
        return new ForwardResult
        {
            // Who closes a WebSocket, and with which words, is between the two; only an end that the runner's connection alone had is one that broke.
            Exception = error is ForwarderError.None or ForwarderError.UpgradeRequestClient or ForwarderError.UpgradeResponseClient ? null : exception ?? new HttpRequestException($"Forwarding failed: {error}."),
            NothingBegan = !context.Response.HasStarted && !over.IsCancellationRequested && exception is HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } },
        };
    }

    private IAnswerFilter[] FiltersFor(InferenceExchange exchange, ModelLease lease)
    {
        List<IAnswerFilter>? all = null;
        foreach (var source in _filters)
        {
            if (source.FilterFor(exchange, lease) is { } filter)
            {
                (all ??= []).Add(filter);
            }
        }

        return all is null ? [] : [.. all];
    }

    private static bool NothingBegan(Exception exception, ForwardAttempt attempt, OutgoingBody sent, ModelLease lease, TimeSpan taken)
    {
        var isGone = lease.Revocation.Reason is RevocationReason.RunnerGone;
        if (isGone && sent.IsUntouched)
        {
            return true;
        }

        if (exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } refused)
        {
            return refused.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
        }

        // On a connection opened for this very request the runner may have begun, and may have died of it.
        // The pool may have ended the lease before the connection told of its end.
        return taken < AtOnce && (isGone || exception is HttpRequestException or IOException) && attempt.Request is { } request && !RunnerConnections.WasOpenedFor(request);
    }
}

/// <summary>How forwarding went.</summary>
internal sealed class ForwardResult
{
    /// <summary>What the runner's answer amounts to for the client, if that is an error.</summary>
    public GatewayError? Error { get; init; }

    /// <summary>Why there was no whole answer; null: there was one, or an error response.</summary>
    public Exception? Exception { get; init; }

    /// <summary>Whether the runner answered with an error of its own, whole.</summary>
    public bool IsErrorAnswer { get; init; }

    /// <summary>Whether the runner certainly has not begun to work on the request.</summary>
    public bool NothingBegan { get; init; }

    /// <summary>When the first byte came, as a timestamp of the clock; 0: none.</summary>
    public long FirstByteAt { get; init; }

    /// <summary>When the first piece of a streamed answer itself came, as a timestamp of the clock; 0: none.</summary>
    public long FirstTokenAt { get; init; }

    /// <summary>What the answer said of itself.</summary>
    public StreamFacts Facts { get; init; }

    /// <summary>Why the answer ended, as the client was told it; null: nobody said.</summary>
    public string? FinishReason { get; init; }
}
