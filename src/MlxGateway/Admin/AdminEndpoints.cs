using MlxGateway.Admin;
using MlxGateway.Admin.Configuration;
using MlxGateway.Admin.Downloading;
using MlxGateway.Admin.Draining;
using MlxGateway.Admin.History;
using MlxGateway.Admin.LlamaSwap;
using MlxGateway.Admin.Logs;
using MlxGateway.Admin.Router;
using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace Microsoft.AspNetCore.Builder;

/// <summary>What people and scripts see of the pool, and steer in it.</summary>
internal static class AdminEndpoints
{
    private const string Tag = "Admin";

    /// <summary>Registers the room. In front of the hub, so that a request that is not taken is not looked at by its steps.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">The room's own options.</param>
    /// <param name="stateFolder">The folder of what is to be remembered, with the logs in it.</param>
    public static IServiceCollection AddAdmin(this IServiceCollection services, AdminOptions options, string stateFolder) => services
        .AddSingleton(options)
        .AddSingleton<EventStream>()
        .AddSingleton<ModelLoads>()
        .AddSingleton<RouterView>()
        .AddSingleton(all => new GatewayLog(Path.Combine(stateFolder, "logs"), all.GetRequiredService<TimeProvider>()))
        .AddSingleton<LogSources>()
        .AddSingleton(all => new RequestHistory(Path.Combine(stateFolder, "history"), options.History, all.GetRequiredService<TimeProvider>(), all.GetRequiredService<ILogger<RequestHistory>>()))
        .AddSingleton<IRequestObserver>(static all => all.GetRequiredService<RequestHistory>())
        .AddHostedService(static all => all.GetRequiredService<RequestHistory>());

    /// <summary>Maps the routes.</summary>
    public static void MapAdmin(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health", Health).Says(Tag, "Says whether requests are taken").Answers<HealthAnswer>("""{"status":"ok"}""").Produces<HealthAnswer>(StatusCodes.Status503ServiceUnavailable)
            .WithMetadata(new AnswerExample("""{"status":"draining"}""", StatusCodes.Status503ServiceUnavailable));
        app.MapMethods("/health", [HttpMethods.Head], Health).ExcludeFromDescription(); // what watches over a process often wants no body
        app.MapGet("/running", Running).Says(Tag, "Lists the models that are in memory, or on their way in or out")
            .Answers<RunningAnswer>("""{"running":[{"model":"qwen","state":"ready","runner":"llama_server","pid":4711,"port":41231,"leases":1,"waiting":0,"since":"2026-11-29T12:00:00Z"}]}""");
        app.MapGet("/api/explain", Explain).Says(Tag, "Says who is in memory, who waits for what and why, what will happen next, and what was decided lately")
            .Answers<ExplainAnswer>("""{"at":"2026-11-29T12:00:00Z","ceiling_bytes":25276530688,"usable_bytes":22055305216,"planned_bytes":3650722201,"leases_out":0,"resident":[],"waiting":[],"next":[],"decisions":[{"at":"2026-11-29T11:58:10Z","kind":"evicted","model":"gemma","for":"qwen","reason":"idle 312 s, reload 2.1 s, frees 3.40 GB for qwen"}]}""");
        app.MapGet("/api/version", Version).Says(Tag, "Says which gateway this is").Answers<VersionAnswer>("""{"version":"0.1.0","commit":null}""");
        app.MapGet("/api/requests", Requests).Says("Requests", "Lists the requests that are being served")
            .Answers<RequestsAnswer>("""{"requests":[{"id":"req_5f1c","route":"/v1/chat/completions","model":"qwen","stream":true,"state":"running","elapsed_seconds":3.2}]}""");
        app.MapPost("/api/requests/{id}/cancel", Cancel).Says("Requests", "Calls a request off, by its x-request-id, wherever it is: its generation ends and its place is free")
            .Answers<CancelAnswer>("""{"status":"ok","cancelled":"req_5f1c"}""")
            .Fails(StatusCodes.Status404NotFound, "not_found", "No request of this id is being served, or it is somebody else's");
        HistoryEndpoints.Map(app);
        MapModels(app);
        RouterEndpoints.Map(app);
        LogEndpoints.Map(app);
        SwapEndpoints.Map(app);
        ConfigurationEndpoints.Map(app);
        DrainEndpoints.Map(app);
        DownloadEndpoints.Map(app);
    }

    private static void MapModels(IEndpointRouteBuilder app)
    {
        const string Unloaded = """{"status":"ok","unloaded":["qwen"]}""";
        app.MapPost("/api/models/load/{**id}", LoadAsync).Says(Tag, "Loads one model, by id or alias; answers when it is ready, or why it will not be. A client that leaves does not undo it")
            .Answers<LoadAnswer>("""{"status":"ok","loaded":"qwen","load_seconds":2.31}""")
            .Fails(StatusCodes.Status400BadRequest, "insufficient_memory", "It can never fit on this machine")
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model, or its files are not here (`model_files_missing`)")
            .Fails(StatusCodes.Status429TooManyRequests, "queue_full", "Too many requests wait")
            .Fails(StatusCodes.Status503ServiceUnavailable, "model_launch_failed", "Its runner did not start; `insufficient_memory_now`, `load_cancelled`, `draining`, `shutting_down`");
        app.MapPost("/api/models/unload", UnloadAll).Says(Tag, "Unloads every model; answers when their processes are gone").Answers<UnloadAnswer>(Unloaded);
        app.MapPost("/api/models/unload/{**id}", Unload).Says(Tag, "Unloads one model, by id or alias; answers when its process is gone").Answers<UnloadAnswer>(Unloaded)
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model");

        // As llama-swap's users script it. With GET a mere address unloads, and an address may stand on any web page.
        app.MapPost("/unload", UnloadAllInWords).Says(Tag, "Unloads every model, as llama-swap does; says OK when their processes are gone").Produces<string>(contentType: "text/plain").WithMetadata(new AnswerExample("OK"));
        app.MapPost("/unload/{**id}", Unload).Says(Tag, "Unloads one model, by id or alias; answers when its process is gone").Answers<UnloadAnswer>(Unloaded)
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model");
        app.MapGet("/unload", (HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, AdminOptions options, CancellationToken cancellationToken) => options.AllowGetUnload ? UnloadAllInWords(context, catalog, pool, loads, cancellationToken) : Task.FromResult<IResult>(PostOnly("/unload")))
            .Says(Tag, "The same by GET, where Admin:AllowGetUnload allows it").Produces<string>(contentType: "text/plain").WithMetadata(ChangesState.Marker, new AnswerExample("OK"))
            .Fails(StatusCodes.Status405MethodNotAllowed, "method_not_allowed", "`Admin:AllowGetUnload` is off, which is the default");
        app.MapGet("/unload/{**id}", (string? id, HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, AdminOptions options, CancellationToken cancellationToken) => options.AllowGetUnload ? Unload(id, context, catalog, pool, loads, cancellationToken) : Task.FromResult<IResult>(PostOnly($"/unload/{id}")))
            .Says(Tag, "The same by GET, where Admin:AllowGetUnload allows it").Answers<UnloadAnswer>(Unloaded).WithMetadata(ChangesState.Marker)
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model")
            .Fails(StatusCodes.Status405MethodNotAllowed, "method_not_allowed", "`Admin:AllowGetUnload` is off, which is the default");
    }

    private static ErrorResult PostOnly(string path) =>
        new(new GatewayError(StatusCodes.Status405MethodNotAllowed, "method_not_allowed", $"{path} does not take GET, but POST: an address may stand on any web page. MlxGateway:Admin:AllowGetUnload allows it.") { Allow = HttpMethods.Post });

    private static IResult Health(HttpResponse response, IModelPool pool, Intake intake)
    {
        if (!pool.Snapshot.IsShuttingDown && !intake.IsClosed)
        {
            return Results.Json(new HealthAnswer("ok"), AdminJson.Readable.HealthAnswer);
        }

        response.Headers.RetryAfter = "10"; // as requests are told
        return Results.Json(new HealthAnswer("draining"), AdminJson.Readable.HealthAnswer, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    private static IResult Version() => Results.Json(new VersionAnswer(GatewayVersion.Number, GatewayVersion.Commit), AdminJson.Readable.VersionAnswer);

    private static IResult Running(HttpContext context, ModelCatalog catalog, IModelPool pool) => Results.Json(
        new RunningAnswer([.. pool.Snapshot.Models
            .Where(m => m.State != ResidentState.Absent && context.Caller().IsGoodFor(m.Id, catalog.Current))
            .Select(m => new RunningModel(m.Id, Refusals.StateName(m.State), m.Runner, m.Pid, m.Port, m.Leases, m.Waiting, m.Since.UtcDateTime))]),
        AdminJson.Readable.RunningAnswer);

    private static async Task<IResult> Explain(HttpContext context, ModelCatalog catalog, IModelPool pool, CancellationToken cancellationToken)
    {
        var (explanation, known, caller) = (await pool.ExplainAsync(cancellationToken), catalog.Current, context.Caller());
        return Results.Json(ExplainAnswer.Of(explanation.Only(model => caller.IsGoodFor(model, known))), ExplainJson.Readable.ExplainAnswer);
    }

    // One that is still being read has no model yet, and is shown to whose it is and to who may see all.
    private static IResult Requests(HttpContext context, ModelCatalog catalog, RequestsInFlight inFlight, TimeProvider time) => Results.Json(
        new RequestsAnswer([.. inFlight.All
            .Where(e => context.Caller() is not { } caller || e.Record.Caller == caller.Name || caller.IsGoodFor(e.Record.Model ?? "", catalog.Current))
            .OrderBy(static e => e.ArrivedAt)
            .Select(e => new RequestInFlight(e.Record.Id, e.Record.Route, e.Record.Model, e.Record.Stream, StageName(e.Stage), Math.Round(time.GetElapsedTime(e.ArrivedAt).TotalSeconds, 3)))]),
        AdminJson.Readable.RequestsAnswer);

    private static string StageName(RequestStage stage) => stage switch
    {
        RequestStage.Queued => "queued",
        RequestStage.Running => "running",
        _ => "reading",
    };

    private static IResult Cancel(string id, HttpContext context, RequestsInFlight inFlight) => inFlight.Cancel(id, context.Caller()) > 0
        ? Results.Json(new CancelAnswer("ok", id), AdminJson.Readable.CancelAnswer)
        : new ErrorResult(new GatewayError(StatusCodes.Status404NotFound, "not_found", "No request of this id is being served."));

    private static async Task<IResult> LoadAsync(string? id, HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, Intake intake, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(id))
        {
            return new ErrorResult(GatewayError.InvalidRequest("The path names no model; it is /api/models/load/ID.", "id"));
        }

        var (model, error) = Resolve(id, context, catalog);
        error ??= intake.Refusal ?? (model!.Missing is null ? null : Refusals.MissingFiles(model));
        error ??= await loads.BeginAsync(model!).WaitAsync(cancellationToken);
        return error is not null
            ? new ErrorResult(error)
            : Results.Json(new LoadAnswer("ok", model!.Id, pool.Snapshot.Models.FirstOrDefault(m => m.Id == model.Id)?.LoadTime?.TotalSeconds), AdminJson.Readable.LoadAnswer);
    }

    private static async Task<IResult> UnloadAll(HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, CancellationToken cancellationToken) =>
        Results.Json(new UnloadAnswer("ok", await UnloadAllAsync(context, catalog, pool, loads, cancellationToken)), AdminJson.Readable.UnloadAnswer);

    private static async Task<IResult> UnloadAllInWords(HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, CancellationToken cancellationToken)
    {
        await UnloadAllAsync(context, catalog, pool, loads, cancellationToken);
        return Results.Text("OK");
    }

    // All that are the caller's to unload.
    private static async Task<IReadOnlyList<string>> UnloadAllAsync(HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, CancellationToken cancellationToken)
    {
        var (caller, known) = (context.Caller(), catalog.Current);
        var now = pool.Snapshot.Models.Where(m => caller.IsGoodFor(m.Id, known)).ToList();
        foreach (var waiting in now)
        {
            loads.CallOff(waiting.Id);
        }

        string[] models = [.. now.Where(m => m.State is not (ResidentState.Absent or ResidentState.Cooling)).Select(m => m.Id)];
        await Task.WhenAll(models.Select(m => pool.UnloadAsync(m, cancellationToken)));
        return models;
    }

    private static async Task<IResult> Unload(string? id, HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(id))
        {
            return await UnloadAll(context, catalog, pool, loads, cancellationToken);
        }

        var (model, error) = Resolve(id, context, catalog);
        if (error is not null)
        {
            return new ErrorResult(error);
        }

        loads.CallOff(model!.Id);
        await pool.UnloadAsync(model.Id, cancellationToken);
        return Results.Json(new UnloadAnswer("ok", [model.Id]), AdminJson.Readable.UnloadAnswer);
    }

    // The server leaves this one escape as it is.
    private static (ModelSpec? Model, GatewayError? Error) Resolve(string id, HttpContext context, ModelCatalog catalog) =>
        catalog.Current.ResolveFor(context.Caller(), id.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase));
}
