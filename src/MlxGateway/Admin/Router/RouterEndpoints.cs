using MlxGateway.Admin.Draining;
using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Inference.Downloading;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Admin.Router;

/// <summary>The lifecycle API of llama.cpp's router, which clients know: Open WebUI lists, loads and ejects by it. It lies at the root, as there.</summary>
internal static class RouterEndpoints
{
    // A refusal that is certain is there at once; whoever loads is not kept for the load.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(500);

    // Clients ask for the list next, and should see it gone; a model that finishes a long answer is not waited for.
    private static readonly TimeSpan Parting = TimeSpan.FromSeconds(5);

    private const string Tag = "Router";

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/models", ListAsync).Says(Tag, "Lists the models and where each stands, as llama.cpp's router does")
            .With("reload", "Anything: looks at the disk first.")
            .Answers<RouterList>("""{"data":[{"id":"qwen","aliases":["gpt-4o-mini"],"tags":[],"object":"model","owned_by":"mlxgateway","created":1795198434,"status":{"value":"loaded","args":["llama_server","--ctx-size","32768"]},"architecture":{"input_modalities":["text"],"output_modalities":["text"]},"source":"preset","can_remove":false,"meta":{"n_ctx":32768}}],"object":"list"}""");
        app.MapGet("/models/sse", Watch).Says(Tag, "Sends an event for every model that changes, as llama.cpp's router does: model_status, model_remove, models_reload, and download_progress, download_finished and download_failed")
            .Produces<string>(contentType: "text/event-stream")
            .WithMetadata(new AnswerExample("data: {\"model\":\"qwen\",\"event\":\"model_status\",\"data\":{\"status\":\"loaded\"}}\n\n"));
        app.MapPost("/models/load", LoadAsync).Says(Tag, "Begins to load a model; the load goes on, whether its client waits or not")
            .Takes("""{"model":"qwen"}""")
            .Answers<RouterDone>("""{"success":true}""")
            .Fails(StatusCodes.Status400BadRequest, "model_already_loaded", "It is loaded, or on its way; `invalid_request`: the body names no model; `insufficient_memory`: it can never fit")
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model, or its files are not here (`model_files_missing`)")
            .Fails(StatusCodes.Status429TooManyRequests, "queue_full", "Too many requests wait")
            .Fails(StatusCodes.Status503ServiceUnavailable, "model_launch_failed", "It was refused at once: its runner did not start, or failed lately; `draining`, `shutting_down`");
        app.MapPost("/models/unload", UnloadAsync).Says(Tag, "Unloads a model; answers when it is gone, or after 5 seconds if it still finishes a request")
            .Takes("""{"model":"qwen"}""")
            .Answers<RouterDone>("""{"success":true}""")
            .Fails(StatusCodes.Status400BadRequest, "model_not_loaded", "It is not in memory; `invalid_request`: the body names no model")
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model");
        app.MapPost("/models", DownloadAsync).Says(Tag, "Begins to fetch a model from the Hub, as llama.cpp's router does; the events of /models/sse tell how it goes, and POST /models/unload ends it")
            .Takes("""{"model":"ggml-org/gemma-3-4b-it-GGUF"}""")
            .Answers<RouterDone>("""{"success":true}""")
            .Fails(StatusCodes.Status400BadRequest, "model_already_exists", "It is here already; `invalid_request`: the body names no model of the Hub; `hub_no_model`, `hub_no_quantisation`")
            .Fails(StatusCodes.Status404NotFound, "hub_not_found", "The Hub has no such model, or does not show it to the gateway (403: `hub_gated`, `hub_forbidden`)")
            .Fails(StatusCodes.Status501NotImplemented, "hub_client_missing", "No Python with huggingface_hub is here; the message has the command that installs it")
            .Fails(StatusCodes.Status502BadGateway, "hub_unreachable", "The Hub cannot be reached")
            .Fails(StatusCodes.Status507InsufficientStorage, "insufficient_disk", "The disk has no room for it");
        app.MapDelete("/models", DeleteAsync).Says(Tag, "Removes a model from the disk, where the configuration allows it (Admin:AllowDelete)")
            .With("model", "The id or an alias of a model of the Hugging Face cache or of a folder of Discovery:Folders.")
            .Answers<RouterRemoved>("""{"success":true,"model":"org/model","freed_bytes":2489757856}""")
            .Fails(StatusCodes.Status400BadRequest, "model_in_memory", "Unload it first; `cannot_remove`: it is not the gateway's to remove; `invalid_request`: the query names no model")
            .Fails(StatusCodes.Status403Forbidden, "deletion_not_allowed", "`Admin:AllowDelete` is off, which is the default")
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model");
    }

    private static async Task<IResult> ListAsync(string? reload, HttpContext context, RouterView view, CancellationToken cancellationToken)
    {
        if (!string.IsNullOrEmpty(reload))
        {
            await view.RefreshAsync().WaitAsync(cancellationToken);
        }

        return Results.Json(view.List(context.Caller()), RouterJson.Readable.RouterList);
    }

    private static Task Watch(HttpContext context, EventStream stream, ModelCatalog catalog, IModelPool pool, ModelLoads loads, RouterView view, IModelDownloads downloads, TimeProvider time) =>
        stream.RunAsync(context, new RouterFeed(catalog, pool, loads, view, downloads, context.Caller(), time));

    private static async Task<IResult> LoadAsync(HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, Intake intake, TimeProvider time, CancellationToken cancellationToken)
    {
        var (model, error) = await ResolveAsync(context, catalog, cancellationToken);
        error ??= intake.Refusal ?? (model!.Missing is null ? null : Refusals.MissingFiles(model));
        if (error is not null)
        {
            return new ErrorResult(error);
        }

        if (loads.IsPending(model!.Id) || Find(pool, model) is { State: ResidentState.Launching or ResidentState.Ready })
        {
            return Refuse("model_already_loaded", $"model is already running: '{model.Id}' is loaded, or on its way.");
        }

        var outcome = loads.BeginAsync(model);
        await Task.WhenAny(outcome, Task.Delay(Moment, time, cancellationToken));
        return outcome.IsCompleted && await outcome is { } refused ? new ErrorResult(refused) : Done();
    }

    private static async Task<IResult> UnloadAsync(HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, IModelDownloads downloads, TimeProvider time, CancellationToken cancellationToken)
    {
        var (name, unread) = await NamedModel.ReadAsync(context.Request, cancellationToken);
        if (unread is null && context.Caller().RefusalOf(name!) is null && downloads.Cancel(name!))
        {
            return Done();
        }

        var (model, error) = unread is null ? catalog.Current.ResolveFor(context.Caller(), name!) : (null, unread);
        if (error is not null)
        {
            return new ErrorResult(error);
        }

        var wasPending = loads.CallOff(model!.Id);
        if (!wasPending && Find(pool, model) is null or { State: ResidentState.Absent or ResidentState.Cooling })
        {
            return Refuse("model_not_loaded", $"model is not running: '{model.Id}' is not in memory.");
        }

        await Task.WhenAny(pool.UnloadAsync(model.Id, CancellationToken.None), Task.Delay(Parting, time, cancellationToken));
        return Done();
    }

    private static async Task<IResult> DownloadAsync(HttpContext context, ModelCatalog catalog, IModelDownloads downloads, TimeProvider time, CancellationToken cancellationToken)
    {
        var (name, error) = await NamedModel.ReadAsync(context.Request, cancellationToken);
        error ??= context.Caller().RefusalOf(name!);
        if (error is not null || catalog.Current.Resolve(name!) is { Missing: null })
        {
            return error is not null ? new ErrorResult(error) : Refuse("model_already_exists", $"model '{catalog.Current.Resolve(name!)!.Id}' already exists.");
        }

        var status = downloads.Start(name!);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using var alarm = time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), enough, Moment, Timeout.InfiniteTimeSpan);
        try
        {
            await foreach (var now in downloads.WatchAsync(name!, enough.Token))
            {
                status = now;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It is under way.
        }

        return status.State is DownloadState.Failed or DownloadState.Cancelled ? new ErrorResult(DownloadFailures.Of(status)) : Done();
    }

    private static async Task<IResult> DeleteAsync(string? model, HttpContext context, ModelCatalog catalog, IModelPool pool, ModelLoads loads, ModelRemover remover, AdminOptions options, CancellationToken cancellationToken)
    {
        if (!options.AllowDelete)
        {
            return new ErrorResult(new GatewayError(StatusCodes.Status403Forbidden, "deletion_not_allowed", "Models are not deleted through this gateway. Set MlxGateway:Admin:AllowDelete to true if they are meant to be."));
        }

        if (string.IsNullOrEmpty(model))
        {
            return new ErrorResult(GatewayError.InvalidRequest("The query names no 'model'.", "model"));
        }

        var (known, error) = catalog.Current.ResolveFor(context.Caller(), model);
        if (error is not null)
        {
            return new ErrorResult(error);
        }

        if (loads.IsPending(known!.Id) || Find(pool, known) is { State: not (ResidentState.Absent or ResidentState.Cooling) } or { Waiting: > 0 })
        {
            return Refuse("model_in_memory", $"'{known.Id}' is in memory, or somebody waits for it. Unload it first.");
        }

        var removal = await Task.Run(() => remover.Remove(known), cancellationToken);
        return removal.Refused is { } why
            ? Refuse("cannot_remove", $"'{known.Id}' is not removed: {why}")
            : Results.Json(new RouterRemoved(true, known.Id, removal.Freed.Bytes), RouterJson.Readable.RouterRemoved);
    }

    private static async Task<(ModelSpec? Model, GatewayError? Error)> ResolveAsync(HttpContext context, ModelCatalog catalog, CancellationToken cancellationToken)
    {
        var (name, error) = await NamedModel.ReadAsync(context.Request, cancellationToken);
        if (error is not null)
        {
            return (null, error);
        }

        return catalog.Current.ResolveFor(context.Caller(), name!);
    }

    private static ResidentSnapshot? Find(IModelPool pool, ModelSpec model) => pool.Snapshot.Models.FirstOrDefault(m => m.Id == model.Id);

    private static IResult Done() => Results.Json(new RouterDone(), RouterJson.Readable.RouterDone);

    private static ErrorResult Refuse(string code, string message) => new(new GatewayError(StatusCodes.Status400BadRequest, code, message) { Param = "model" });
}
