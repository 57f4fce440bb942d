using Microsoft.AspNetCore.Http.Features;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>Serves one request whose body names a model. The only place where the sequence is written down: read, resolve, acquire, forward, record.</summary>
internal sealed class InferenceEndpoint(
    ModelCatalog catalog,
    RunnerKinds kinds,
    IModelPool pool,
    RunnerForwarder forwarder,
    SuspectRequests suspects,
    InferenceSettings settings,
    IEnumerable<IRequestObserver> observers,
    TimeProvider time)
{
    // A request that nobody has begun may outlive this many runners less one.
    private const int MostRunners = 3;

    private readonly IRequestObserver[] _observers = [.. observers];

    /// <summary>Serves the request to its end.</summary>
    /// <exception cref="UnfinishedResponseException">The response began and could not be completed; the server must end the connection.</exception>
    public async Task ServeAsync(HttpContext context, InferenceRoute route)
    {
        var arrived = time.GetTimestamp();
        var record = new RequestRecord { Id = context.TraceIdentifier, Route = route.Path };
        var response = new ClientResponse(context, route, settings.Streams, time);
        try
        {
            await using (response)
            {
                await ServeAsync(context, route, response, record, arrived);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            record.Outcome = RequestOutcome.ClientLeft;
        }
        catch (BadHttpRequestException bad)
        {
            record.Outcome = RequestOutcome.Refused;
            await response.FailAsync(Note(record, HttpFailures.From(bad)));
        }
        finally
        {
            record.Status = context.Response.StatusCode;
            record.Total = time.GetElapsedTime(arrived);
            Array.ForEach(_observers, o => o.Completed(record));
        }

        if (response.IsUnfinished)
        {
            throw new UnfinishedResponseException();
        }
    }

    private async Task ServeAsync(HttpContext context, InferenceRoute route, ClientResponse response, RequestRecord record, long arrived)
    {
        // The server's own limit would end the connection while the client still sends, and the client would never see the answer.
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = null;
        var (request, error) = await InferenceRequest.ReadAsync(context.Request, route, settings.Limits.RequestBody.Bytes, context.RequestAborted);
        using var body = request;
        var model = default(ModelSpec);
        error ??= Resolve(request!, out model) ?? (kinds.MannersFor(model!)?.Rules is { } rules ? request!.Shape(rules) : null) ?? suspects.Refuse(model!.Id, request!);
        if (error is not null)
        {
            error = error.NeededModality is { } modality ? Refusals.NameWhoCan(error, modality, catalog.Current.Models) : error;
            record.Outcome = RequestOutcome.Refused;
            await response.FailAsync(Note(record, error));
            if (error.Status == StatusCodes.Status413PayloadTooLarge)
            {
                await UnreadBody.DrainAsync(context, time);
            }

            return;
        }

        (record.Model, record.Runner, record.Stream, record.RequestBytes) = (model!.Id, model.Runner, request!.Stream, request.BodyLength);
        if (request.Stream)
        {
            response.KeepCompany(model.Id, () => DescribeWait(model.Id));
        }

        for (var attempt = 1; ; attempt++)
        {
            if (await AcquireOrFailAsync(context, request, model, response, record, arrived) is not { } lease)
            {
                return;
            }

            using (lease)
            {
                if (lease.Model.Id != model.Id && request.Reshape(kinds.MannersFor(lease.Model)?.Rules) is { } unfit)
                {
                    record.Outcome = RequestOutcome.Refused;
                    await response.FailAsync(Note(record, unfit));
                    return;
                }

                (record.Queued, record.Loading) = (record.Queued + lease.Queued, record.Loading + lease.Loading);
                request.NameModel(lease.Runner.Manners.UpstreamModel);
                var company = suspects.CompanyOf(lease.Runner);
                company.Enter();
                try
                {
                    var result = await forwarder.ForwardAsync(context, request, lease, response);
                    if (!result.NothingBegan || attempt == MostRunners)
                    {
                        record.FirstByte = result.FirstByteAt == 0 ? null : time.GetElapsedTime(arrived, result.FirstByteAt);
                        (record.PromptTokens, record.CompletionTokens) = (result.Facts.PromptTokens, result.Facts.CompletionTokens);
                        await ConcludeAsync(context, response, record, lease, result, how => suspects.Note(model.Id, request, company, how));
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

    // Null: the client has been told why there is none.
    private async ValueTask<ModelLease?> AcquireOrFailAsync(HttpContext context, InferenceRequest request, ModelSpec model, ClientResponse response, RequestRecord record, long arrived)
    {
        GatewayError error;
        try
        {
            return await AcquireAsync(model, request, context);
        }
        catch (LeaseRefusedException refused)
        {
            error = Refusals.From(refused);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            error = Refusals.StillLoading(model.Id, Find(model.Id), time.GetElapsedTime(arrived), time.GetUtcNow());
        }

        record.Outcome = RequestOutcome.Refused;
        await response.FailAsync(Note(record, error));
        return null;
    }

    private async Task ConcludeAsync(HttpContext context, ClientResponse response, RequestRecord record, ModelLease lease, ForwardResult result, Action<string> runnerDied)
    {
        if (result.Exception is null && result.Error is null)
        {
            record.Outcome = RequestOutcome.Completed;
            return;
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            record.Outcome = RequestOutcome.ClientLeft;
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
        await response.FailAsync(Note(record, error));
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

    private GatewayError? Resolve(InferenceRequest request, out ModelSpec? model)
    {
        model = null;
        var known = catalog.Current;
        if (string.IsNullOrEmpty(request.Model))
        {
            model = request.Model is null ? known.Default : null;
            if (model is null)
            {
                return GatewayError.InvalidRequest(request.Model is null ? "The body names no 'model', and no DefaultModel is configured." : "The field 'model' is empty.", "model");
            }
        }

        model ??= known.Resolve(request.Model!);
        return model is null ? Refusals.UnknownModel(request.Model!, known.Nearest(request.Model!, 3))
            : model.Missing is not null ? Refusals.MissingFiles(model)
            : null;
    }

    // A streaming client is kept company for as long as it takes; one that is not is told to come back before its own patience ends.
    private async ValueTask<ModelLease> AcquireAsync(ModelSpec model, InferenceRequest request, HttpContext context)
    {
        // Nothing is to be decided about a person's request to a ready model, so nobody asks whose it is.
        var isBackground = BackgroundWork.Is(context.Request.Headers, request);
        if (!isBackground && request.KeepAlive is null && pool.TryAcquire(model) is { } lease)
        {
            return lease;
        }

        var terms = RequestTerms.Of(context, request, isBackground, catalog.Current, settings.BackgroundModel);
        if (request.Stream || isBackground)
        {
            return await pool.AcquireAsync(model, terms, context.RequestAborted); // background work is given up by the pool
        }

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        await using var alarm = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), enough, settings.Limits.NonStreamWait, Timeout.InfiniteTimeSpan);
        return await pool.AcquireAsync(model, terms, enough.Token);
    }

    private string DescribeWait(string model) => Find(model) is { } resident
        ? $"{Refusals.StateName(resident.State)} {model}, {(time.GetUtcNow() - resident.Since).TotalSeconds:0} s"
        : $"waiting for {model}";

    private ResidentSnapshot? Find(string model) => pool.Snapshot.Models.FirstOrDefault(m => m.Id == model);

    private static GatewayError Note(RequestRecord record, GatewayError error)
    {
        record.Code = error.Code;
        return error;
    }
}
