using MlxGateway.Admin.Router;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Inference.Downloading;
using MlxGateway.Supervision.Downloads;

namespace MlxGateway.Admin.Downloading;

/// <summary>Fetches models from the Hub and looks for them there.</summary>
internal static class DownloadEndpoints
{
    private const string Tag = "Downloads";
    private const int DefaultLimit = 20;
    private const int MostModels = 100;

    private const string Line = """{"status":"pulling","model":"ggml-org/gemma-3-4b-it-GGUF","total":3341094912,"completed":1436670812,"rate_bytes_per_second":12582912,"eta_seconds":151.4,"file":"gemma-3-4b-it-Q4_K_M.gguf","choice":"Q4_K_M of F16, Q4_K_M, Q8_0; a colon and another behind the id chooses that one"}""";

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapPost("/api/pull", PullAsync).Says(Tag, "Fetches a model from the Hub and tells in lines of JSON how it goes, as Ollama does; the last line is a success or an error. It goes on when its client leaves")
            .Takes("""{"model":"ggml-org/gemma-3-4b-it-GGUF","stream":true}""")
            .Answers<PullLine>(Line)
            .Fails(StatusCodes.Status400BadRequest, "invalid_request", "The body names no model of the Hub; `hub_no_model`: no engine here could serve it; `hub_no_quantisation`: it has no such file")
            .Fails(StatusCodes.Status404NotFound, "hub_not_found", "The Hub has no such model, or does not show it to the gateway (403: `hub_gated`, `hub_forbidden`)")
            .Fails(StatusCodes.Status501NotImplemented, "hub_client_missing", "No Python with huggingface_hub is here; the message has the command that installs it")
            .Fails(StatusCodes.Status502BadGateway, "hub_unreachable", "The Hub cannot be reached, or breaks off again and again; `hub_checksum`: what came is not what the Hub says it is")
            .Fails(StatusCodes.Status507InsufficientStorage, "insufficient_disk", "The disk has no room for it; the message has both numbers");
        app.MapGet("/api/pull", (HttpContext context, IModelDownloads downloads) => Results.Json(new PullsAnswer([.. downloads.Current.Where(d => context.Caller().RefusalOf(d.Id) is null).Select(PullLine.Of)]), DownloadJson.Default.PullsAnswer))
            .Says(Tag, "Lists the downloads that are under way, wait for others, or are over lately")
            .Answers<PullsAnswer>($$"""{"pulls":[{{Line}}]}""");
        app.MapDelete("/api/pull", Cancel).Says(Tag, "Ends a download; what has come is kept, and the next one goes on from there")
            .With("model", "What is fetched, as in the list.")
            .Answers<PullCancelled>("""{"status":"cancelled","model":"ggml-org/gemma-3-4b-it-GGUF"}""")
            .Fails(StatusCodes.Status400BadRequest, "invalid_request", "The query names no model")
            .Fails(StatusCodes.Status404NotFound, "not_found", "No such download is under way");
        app.MapGet("/api/hub/search", SearchAsync).Says(Tag, "Looks for models on the Hub, and says of each whether it would run here")
            .With("q", "What to look for.")
            .With("limit", "How many at most, 1 to 100; 20 where nothing is said.")
            .Answers<HubAnswer>("""{"models":[{"id":"mlx-community/Qwen3-4B-4bit","downloads":51234,"likes":42,"size_bytes":2263022592,"runs_here":true,"why":"It takes about 3.10 GB of memory, and models may use 20.54 GB on this machine."}]}""")
            .Fails(StatusCodes.Status400BadRequest, "invalid_request", "The query does not say what to look for")
            .Fails(StatusCodes.Status502BadGateway, "hub_unreachable", "The Hub cannot be reached, or does not take the gateway's token (403: `hub_forbidden`)");
    }

    private static async Task<IResult> PullAsync(HttpContext context, IModelDownloads downloads, IHostApplicationLifetime lifetime, TimeProvider time, CancellationToken cancellationToken)
    {
        var (name, stream, error) = await NamedModel.ReadStreamedAsync(context.Request, cancellationToken);
        error ??= context.Caller().RefusalOf(name!);
        if (error is not null)
        {
            return new ErrorResult(error);
        }

        var first = downloads.Start(name!);
        if (first.IsOver)
        {
            return new ErrorResult(DownloadFailures.Of(first)); // nothing had begun, so there is a status to say it with
        }

        var lines = new PullLines(downloads, lifetime, time);
        return stream ? Results.Stream(output => lines.WriteAsync(context, first.Id, output), "application/x-ndjson") : await lines.EndAsync(first, cancellationToken);
    }

    private static IResult Cancel(string? model, HttpContext context, IModelDownloads downloads) => string.IsNullOrEmpty(model)
        ? new ErrorResult(GatewayError.InvalidRequest("The query names no 'model'.", "model"))
        : context.Caller().RefusalOf(model) is { } refused ? new ErrorResult(refused)
        : downloads.Cancel(model)
            ? Results.Json(new PullCancelled("cancelled", model), DownloadJson.Default.PullCancelled)
            : new ErrorResult(new GatewayError(StatusCodes.Status404NotFound, "not_found", "No download of this model is under way. GET /api/pull lists all.") { Param = "model" });

    private static async Task<IResult> SearchAsync(string? q, string? limit, IModelHub hub, CancellationToken cancellationToken)
    {
        var count = DefaultLimit;
        if (string.IsNullOrWhiteSpace(q) || q.Length > 200)
        {
            return new ErrorResult(GatewayError.InvalidRequest("The query says in 'q' what to look for, in 1 to 200 characters.", "q"));
        }

        if (!string.IsNullOrEmpty(limit) && (!int.TryParse(limit, out count) || count is < 1 or > MostModels))
        {
            return new ErrorResult(GatewayError.InvalidRequest($"'limit' is a number from 1 to {MostModels}.", "limit"));
        }

        try
        {
            var found = await hub.SearchAsync(q, count, cancellationToken);
            return Results.Json(new HubAnswer([.. found.Select(m => new HubModelAnswer(m.Id, m.Downloads, m.Likes, m.Size?.Bytes, m.RunsHere, m.Why))]), DownloadJson.Default.HubAnswer);
        }
        catch (HubException failed)
        {
            return new ErrorResult(DownloadFailures.Of(failed.Code, failed.Message) with { Param = null });
        }
    }
}
