using Microsoft.AspNetCore.Http.Features;
using MlxGateway.Inference.Bodies;
using MlxGateway.Inference.Downloading;
using MlxGateway.Inference.Ports;
using MlxGateway.Inference.Tracing;
using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary>Serves one request whose body names a model. The only place where the sequence is written down: read, resolve, acquire, forward, record.</summary>
internal sealed class InferenceEndpoint(
    ModelCatalog catalog,
    IModelPool pool,
    RunnerForwarder forwarder,
    SuspectRequests suspects,
    RequestsInFlight inFlight,
    IEnumerable<IRequestShaper> shapers,
    InferenceSettings settings,
    IEnumerable<IRequestObserver> observers,
    AbsentModels absent,
    TracePace traces,
    TimeProvider time)
{
    // A request that nobody has begun may outlive this many runners less one.
    private const int MostRunners = 3;

    private readonly IRequestObserver[] _observers = [.. observers];
    private readonly IRequestShaper[] _shapers = [.. shapers];

    /// <summary>Serves the request to its end.</summary>
    /// <exception cref="UnfinishedResponseException">The response began and could not be completed; the server must end the connection.</exception>
    public async Task ServeAsync(HttpContext context, InferenceRoute route)
    {
        var arrived = time.GetTimestamp();
        var span = RequestSpans.Begin(context, route, traces);
        var record = new RequestRecord { Id = context.TraceIdentifier, Route = route.Path, Caller = context.Features.Get<ICaller>()?.Name };
        var response = new ClientResponse(context, route, settings.Streams, time);
        using var exchange = new InferenceExchange(context, route, response, record, arrived) { Span = span };
        inFlight.Enter(exchange);
        try
        {
            await using (response)
            {
                await ServeAsync(exchange);
            }
        }
        catch (OperationCanceledException) when (exchange.Left.IsCancellationRequested)
        {
            await NobodyWantsItAsync(exchange);
        }
        catch (BadHttpRequestException bad)
        {
            record.Outcome = RequestOutcome.Refused;
            await response.FailAsync(Note(record, HttpFailures.From(bad)));
        }
        finally
        {
            inFlight.Leave(exchange);
            record.Status = record.Outcome is RequestOutcome.ClientLeft && !context.Response.HasStarted ? StatusCodes.Status499ClientClosedRequest : context.Response.StatusCode;
            record.Total = time.GetElapsedTime(arrived);
            RequestSpans.End(span, record, context.Request.Method);
            Array.ForEach(_observers, o => o.Completed(record));
        }

        if (response.IsUnfinished)
        {
            throw new UnfinishedResponseException();
        }
    }

    private async Task ServeAsync(InferenceExchange exchange)
    {
        // The server's own limit would end the connection while the client still sends, and the client would never see the answer.
        exchange.Context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
        var (request, error) = await RequestReader.ReadAsync(exchange.Context.Request, exchange.Route, settings.Limits, settings.Uploads, exchange.Left);
        using var body = request;
        exchange.Request = request!;
        error ??= Resolve(exchange);
        var mayLoad = !LoadConsent.IsDeclined(exchange.Context.Request);
        if (mayLoad && error is { Code: "model_not_found" or "model_files_missing" } && (IsFetched(exchange) || absent.MayFetch(NameOf(exchange), Caller(exchange))))
        {
            error = await absent.FetchAsync(exchange, NameOf(exchange)!, error) ?? Resolve(exchange);
        }

        error ??= suspects.Refuse(exchange.Model.Id, request!) ?? (mayLoad || IsLoaded(exchange.Model.Id) ? null : Refusals.NotLoaded(exchange.Model.Id)) ?? await ShapeAsync(exchange, exchange.Model);
        if (error is not null)
        {
            await RefuseAsync(exchange, error);
            if (request is null)
            {
                await UnreadBody.DrainAsync(exchange.Context, time);
            }

            return;
        }

        var (model, record) = (exchange.Model, exchange.Record);
        (record.Model, record.Runner, record.Stream, record.RequestBytes) = (model.Id, model.Runner, request!.Stream, request.BodyLength);
        if (request.Stream)
        {
            exchange.Response.KeepCompany(model.Id, WaitingStyles.Of(exchange.Context.Request.Headers, model), () => Progress(exchange));
        }

        var shapedFor = default(string);
        for (var attempt = 1; ; attempt++)
        {
            if (await AcquireOrFailAsync(exchange) is not { } lease)
            {
                return;
            }

            using (lease)
            {
                (record.Queued, record.Loading) = (record.Queued + lease.Queued, record.Loading + lease.Loading);
                exchange.Response.Loading = record.Loading;
                if (lease.Model.Id != shapedFor)
                {
                    if (await ShapeForRunnerAsync(exchange, lease, again: lease.Model.Id != (shapedFor ?? model.Id)) is { } unfit)
                    {
                        await RefuseAsync(exchange, unfit);
                        return;
                    }

                    shapedFor = lease.Model.Id;
                }

                request.NameModel(lease.Runner.Manners.UpstreamModel);
                var company = suspects.CompanyOf(lease.Runner);
                company.Enter();
                try
                {
                    var result = await (exchange.Span is null ? ForwardAsync(exchange, lease) : ForwardTracedAsync(exchange, lease));
                    if (!result.NothingBegan || attempt == MostRunners)
                    {
                        record.FirstByte = result.FirstByteAt == 0 ? null : time.GetElapsedTime(exchange.ArrivedAt, result.FirstByteAt);
                        record.FirstToken = result.FirstTokenAt == 0 ? null : time.GetElapsedTime(exchange.ArrivedAt, result.FirstTokenAt);
                        record.Note(result.Facts, result.FinishReason);
                        await ConcludeAsync(exchange, lease, result, how => suspects.Note(model.Id, request, company, how));
                        return;
                    }
                }
                finally
                {
                    company.Leave();
                }

                // The runner was dead before it heard of this request. The pool takes the lease back when it has seen that too; before, the next one would be of the same runner.
                await Task.Delay(TimeSpan.FromSeconds(1), time, lease.Revocation.Token).ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }

    private Task<ForwardResult> ForwardAsync(InferenceExchange exchange, ModelLease lease) =>
        exchange.IsWebSocket ? forwarder.TunnelAsync(exchange, lease) : forwarder.ForwardAsync(exchange, lease);

    private async Task<ForwardResult> ForwardTracedAsync(InferenceExchange exchange, ModelLease lease)
    {
        var span = RequestSpans.Forward(exchange, lease);
        ForwardResult? result = null;
        try
        {
            return result = await ForwardAsync(exchange, lease);
        }
        finally
        {
            RequestSpans.End(span, exchange, result);
        }
    }

    private async ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        foreach (var shaper in _shapers)
        {
            if (await shaper.ShapeAsync(exchange, model) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    // Again: it was shaped for another model before, and everything is done anew.
    private async ValueTask<GatewayError?> ShapeForRunnerAsync(InferenceExchange exchange, ModelLease lease, bool again)
    {
        if (again)
        {
            exchange.Request.Reset();
            if (await ShapeAsync(exchange, lease.Model) is { } unfit)
            {
                return unfit;
            }
        }

        foreach (var shaper in _shapers)
        {
            if (await shaper.ShapeForRunnerAsync(exchange, lease) is { } error)
            {
                return error;
            }
        }

        return null;
    }

    private async Task RefuseAsync(InferenceExchange exchange, GatewayError error)
    {
        error = error.NeededModality is { } modality ? Refusals.NameWhoCan(error, modality, [.. catalog.Current.Models.Where(m => Caller(exchange)?.MayUse(m) != false)]) : error;
        exchange.Record.Outcome = RequestOutcome.Refused;
        await exchange.Response.FailAsync(Note(exchange.Record, error));
    }

    // Null: the client has been told why there is none.
    private async ValueTask<ModelLease?> AcquireOrFailAsync(InferenceExchange exchange)
    {
        ModelLease? lease = null;
        var asked = exchange.Span is null ? default : time.GetUtcNow();
        var began = time.GetTimestamp();
        var hasFailed = false;
        try
        {
            exchange.Stage = RequestStage.Queued;
            lease = await AcquireAsync(exchange);
            exchange.Stage = RequestStage.Running;
            return lease;
        }
        catch (LeaseRefusedException refused)
        {
            hasFailed = refused.Reason == RefusalReason.LaunchFailed;
            await RefuseAsync(exchange, Refusals.From(refused));
        }
        catch (OperationCanceledException) when (!exchange.Left.IsCancellationRequested)
        {
            await RefuseAsync(exchange, Refusals.StillLoading(Progress(exchange), time.GetElapsedTime(exchange.ArrivedAt)));
        }
        finally
        {
            if (lease is null && !hasFailed)
            {
                NoteVainWait(exchange, time.GetElapsedTime(began));
            }

            RequestSpans.Waited(exchange, asked, exchange.Span is null ? default : time.GetUtcNow(), lease);
        }

        return null;
    }

    // Who got nothing is not told by the pool how long it waited for what, so that is seen from where the model stands: the waits that people give up are the longest. A launch that failed was no load.
    private void NoteVainWait(InferenceExchange exchange, TimeSpan waited)
    {
        var launching = pool.Snapshot.Models.FirstOrDefault(m => m.Id == exchange.Model.Id) is { State: ResidentState.Launching } resident ? time.GetUtcNow() - resident.Since : TimeSpan.Zero;
        var loading = launching < TimeSpan.Zero ? TimeSpan.Zero : launching > waited ? waited : launching;
        var record = exchange.Record;
        (record.Queued, record.Loading) = (record.Queued + waited - loading, record.Loading + loading);
    }

    private static async Task NobodyWantsItAsync(InferenceExchange exchange)
    {
        exchange.Record.Outcome = exchange.IsCancelled ? RequestOutcome.Cancelled : RequestOutcome.ClientLeft;
        if (exchange.IsCancelled && !exchange.Context.RequestAborted.IsCancellationRequested)
        {
            await exchange.Response.FailAsync(Note(exchange.Record, Refusals.Cancelled()));
        }
    }

    private async Task ConcludeAsync(InferenceExchange exchange, ModelLease lease, ForwardResult result, Action<string> runnerDied)
    {
        var record = exchange.Record;
        if ((result.Exception is null && result.Error is null) || (result.Error is null && exchange.Response.IsWhole))
        {
            record.Outcome = RequestOutcome.Completed;
            return;
        }

        if (exchange.Left.IsCancellationRequested)
        {
            await NobodyWantsItAsync(exchange);
            return;
        }

        // An answer of the runner's own, if only an error, stands; what it left open is explained by why its lease ended.
        record.Outcome = result.Error is { Code: not "runner_failed" } ? RequestOutcome.Failed : RequestOutcome.Broken;
        var death = result.IsErrorAnswer ? null : await DeathAsync(lease);
        if (death is not null && !result.NothingBegan)
        {
            runnerDied(death);
        }

        var revoked = lease.Revocation.Reason;
        var error = death is not null || result.Error is null || revoked is RevocationReason.Evicted or RevocationReason.ShuttingDown or RevocationReason.Yielded
            ? Refusals.Broken(revoked, lease.Model.Id, death ?? result.Exception?.GetBaseException().Message)
            : result.Error;
        await exchange.Response.FailAsync(Note(record, error));
    }

    // How the runner ended, if it did and nobody had told it to. A runner that died says why in its last lines; they come a moment after its connections break.
    private async Task<string?> DeathAsync(ModelLease lease)
    {
        if (lease.Revocation.Reason is RevocationReason.None)
        {
            await Task.WhenAny(lease.Runner.Gone, Task.Delay(TimeSpan.FromMilliseconds(250), time));
        }

        return lease.Revocation.Reason switch
        {
            RevocationReason.RunnerGone => lease.Revocation.Detail ?? "it ended",
            RevocationReason.None when lease.Runner.Gone.IsCompleted => (await lease.Runner.Gone).How,
            _ => null,
        };
    }

    private static ICaller? Caller(InferenceExchange exchange) => exchange.Context.Features.Get<ICaller>();

    // On the port of a model that one is meant, whatever the request names.
    private static string? NameOf(InferenceExchange exchange) => ModelPort.Of(exchange.Context)?.ModelId ?? exchange.Request.Model;

    // Somebody launched the model there before it was here.
    private static bool IsFetched(InferenceExchange exchange) => ModelPort.Of(exchange.Context)?.Download is { IsOver: false };

    private GatewayError? Resolve(InferenceExchange exchange)
    {
        var known = catalog.Current;
        (exchange.Request as UpstreamRequest)?.Part(known);
        var name = exchange.FetchedAs ?? NameOf(exchange);
        if (string.IsNullOrEmpty(name) && (name is not null || known.Default is null))
        {
            return GatewayError.InvalidRequest(name is null ? "The body names no 'model', and no DefaultModel is configured." : "The field 'model' is empty.", "model");
        }

        var model = name is null ? known.Default : known.Resolve(name);
        exchange.Model = model!;
        return model is null ? Refusals.UnknownModel(name!, known, Caller(exchange))
            : Caller(exchange) is { } caller && !caller.MayUse(model) ? Refusals.NotAllowed(model, caller)
            : model.Missing is not null ? Refusals.MissingFiles(model)
            : null;
    }

    // A streaming client is kept company for as long as it takes; one that is not is told to come back before its own patience ends.
    private async ValueTask<ModelLease> AcquireAsync(InferenceExchange exchange)
    {
        var (model, request) = (exchange.Model, exchange.Request);

        // Nothing is to be decided about a person's request to a ready model, so nobody asks whose it is.
        var isBackground = BackgroundWork.Is(exchange.Context.Request.Headers, request);
        if (!isBackground && request.KeepAlive is null && pool.TryAcquire(model) is { } lease)
        {
            return lease;
        }

        var terms = RequestTerms.Of(exchange.Context, request, isBackground, catalog.Current, ModelPort.Of(exchange.Context) is null ? settings.BackgroundModel : null);
        if (request.Stream || isBackground)
        {
            return await pool.AcquireAsync(model, terms, exchange.Left); // background work is given up by the pool
        }

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(exchange.Left);
        await using var alarm = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), enough, Rest(settings.Limits.NonStreamWait - exchange.Fetching), Timeout.InfiniteTimeSpan);
        return await pool.AcquireAsync(model, terms, enough.Token);
    }

    private static TimeSpan Rest(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.Zero;

    private LoadProgress Progress(InferenceExchange exchange) => LoadProgress.Of(exchange.Model.Id, Find(exchange.Model.Id), time.GetUtcNow()) with
    {
        Before = inFlight.CountBefore(exchange),
        IsBegun = exchange.Stage == RequestStage.Running,
    };

    private bool IsLoaded(string model) => Find(model) is { State: ResidentState.Ready or ResidentState.Launching };

    private ResidentSnapshot? Find(string model) => pool.Snapshot.Models.FirstOrDefault(m => m.Id == model);

    private static GatewayError Note(RequestRecord record, GatewayError error)
    {
        record.Code = error.Code;
        return error;
    }
}
