using MlxGateway.Admin;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace Microsoft.AspNetCore.Builder;

/// <summary>What people and scripts see of the pool, and steer in it.</summary>
internal static class AdminEndpoints
{
    /// <summary>Maps the routes.</summary>
    public static void MapAdmin(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health", Health).WithTags("Admin").WithSummary("Says whether requests are taken").Produces<HealthAnswer>().Produces<HealthAnswer>(StatusCodes.Status503ServiceUnavailable);
        app.MapGet("/running", Running).WithTags("Admin").WithSummary("Lists the models that are in memory, or on their way in or out").Produces<RunningAnswer>();
        app.MapGet("/api/explain", Explain).WithTags("Admin").WithSummary("Says who is in memory, who waits for what and why, what will happen next, and what was decided lately").Produces<ExplainAnswer>();
        app.MapGet("/api/requests", Requests).WithTags("Admin").WithSummary("Lists the requests that are being served").Produces<RequestsAnswer>();
        app.MapPost("/api/requests/{id}/cancel", Cancel).WithTags("Admin").WithSummary("Calls a request off, by its x-request-id, wherever it is: its generation ends and its place is free").Produces<CancelAnswer>().Produces(StatusCodes.Status404NotFound);
        app.MapPost("/api/models/unload", UnloadAll).WithTags("Admin").WithSummary("Unloads every model; answers when their processes are gone").Produces<UnloadAnswer>();
        app.MapPost("/api/models/unload/{**id}", Unload).WithTags("Admin").WithSummary("Unloads one model, by id or alias; answers when its process is gone").Produces<UnloadAnswer>().Produces(StatusCodes.Status404NotFound);
    }

    private static IResult Health(IModelPool pool) => pool.Snapshot.IsShuttingDown
        ? Results.Json(new HealthAnswer("draining"), AdminJson.Default.HealthAnswer, statusCode: StatusCodes.Status503ServiceUnavailable)
        : Results.Json(new HealthAnswer("ok"), AdminJson.Default.HealthAnswer);

    private static IResult Running(IModelPool pool) => Results.Json(
        new RunningAnswer([.. pool.Snapshot.Models
            .Where(m => m.State != ResidentState.Absent)
            .Select(m => new RunningModel(m.Id, Refusals.StateName(m.State), m.Runner, m.Pid, m.Port, m.Leases, m.Waiting, m.Since.UtcDateTime))]),
        AdminJson.Default.RunningAnswer);

    private static async Task<IResult> Explain(IModelPool pool, CancellationToken cancellationToken) =>
        Results.Json(ExplainAnswer.Of(await pool.ExplainAsync(cancellationToken)), ExplainJson.Default.ExplainAnswer);

    private static IResult Requests(RequestsInFlight inFlight, TimeProvider time) => Results.Json(
        new RequestsAnswer([.. inFlight.All
            .OrderBy(static e => e.ArrivedAt)
            .Select(e => new RequestInFlight(e.Record.Id, e.Record.Route, e.Record.Model, e.Record.Stream, StageName(e.Stage), Math.Round(time.GetElapsedTime(e.ArrivedAt).TotalSeconds, 3)))]),
        AdminJson.Default.RequestsAnswer);

    private static string StageName(RequestStage stage) => stage switch
    {
        RequestStage.Queued => "queued",
        RequestStage.Running => "running",
        _ => "reading",
    };

    private static IResult Cancel(string id, HttpContext context, RequestsInFlight inFlight) => inFlight.Cancel(id, context.Features.Get<ICaller>()) > 0
        ? Results.Json(new CancelAnswer("ok", id), AdminJson.Default.CancelAnswer)
        : new ErrorResult(new GatewayError(StatusCodes.Status404NotFound, "not_found", "No request of this id is being served."));

    private static async Task<IResult> UnloadAll(IModelPool pool, CancellationToken cancellationToken)
    {
        string[] models = [.. pool.Snapshot.Models.Where(m => m.State is not (ResidentState.Absent or ResidentState.Cooling)).Select(m => m.Id)];
        await Task.WhenAll(models.Select(m => pool.UnloadAsync(m, cancellationToken)));
        return Results.Json(new UnloadAnswer("ok", models), AdminJson.Default.UnloadAnswer);
    }

    private static async Task<IResult> Unload(string? id, ModelCatalog catalog, IModelPool pool, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(id))
        {
            return await UnloadAll(pool, cancellationToken);
        }

        var known = catalog.Current;
        if (known.Resolve(id) is not { } model)
        {
            return new ErrorResult(Refusals.UnknownModel(id, known, caller: null));
        }

        await pool.UnloadAsync(model.Id, cancellationToken);
        return Results.Json(new UnloadAnswer("ok", [model.Id]), AdminJson.Default.UnloadAnswer);
    }
}
