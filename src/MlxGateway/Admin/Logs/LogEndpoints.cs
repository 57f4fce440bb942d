using System.Globalization;
using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;

namespace MlxGateway.Admin.Logs;

/// <summary>The logs of the gateway and of each runner, for people who look for what went wrong. Secrets are taken out.</summary>
internal static class LogEndpoints
{
    private const int UsualLines = 200;
    private const int MostLines = 5000;

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/api/logs", Show).Says("Logs", "Shows the last lines of the gateway's log, or of what a model's runner wrote")
            .With("source", "gateway (the default), or the id or an alias of a model.")
            .With("lines", "How many lines, 1 to 5000; 200 if it is left out.")
            .Answers<LogAnswer>("""{"source":"qwen","lines":["llama_model_loader: loaded meta data","main: server is listening"]}""")
            .Fails(StatusCodes.Status400BadRequest, "invalid_request", "`lines` is not a number from 1 to 5000")
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model");
        app.MapGet("/api/logs/stream", (string? source, string? lines, HttpContext context, LogSources sources, EventStream stream) => StreamAsync(source, lines ?? "0", context, sources, stream, isPlain: false))
            .Says("Logs", "Sends an event for every line that the gateway, or a model's runner, writes from now on, over its restarts")
            .With("source", "gateway (the default), or the id or an alias of a model.")
            .With("lines", "How many of the last lines are sent first; none if it is left out.")
            .Produces<string>(contentType: "text/event-stream")
            .WithMetadata(new AnswerExample("data: {\"line\":\"main: server is listening\"}\n\ndata: {\"dropped\":12}\n\n"))
            .Fails(StatusCodes.Status400BadRequest, "invalid_request", "`lines` is not a number from 0 to 5000")
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model");
        app.MapGet("/logs", (LogSources sources) => Results.Text(string.Concat(sources.Find(LogSources.Gateway, caller: null).Source!.Lines(UsualLines).Select(static line => line + "\n"))))
            .Says("Logs", "Shows the last lines of the gateway's log as plain text, as llama-swap does")
            .Produces<string>(contentType: "text/plain")
            .WithMetadata(new AnswerExample("2026-11-29T12:00:00.000+00:00 INF …\n"));
        app.MapGet("/logs/stream/{**source}", (string? source, HttpContext context, LogSources sources, EventStream stream) =>
                StreamAsync(source == "proxy" ? LogSources.Gateway : source, context.Request.Query.ContainsKey("no-history") ? "0" : null, context, sources, stream, isPlain: true))
            .Says("Logs", "Sends the gateway's log, or what a model's runner writes, as plain text while it is written, as llama-swap does")
            .With("source", "proxy or nothing: the gateway's; upstream: that of all runners; otherwise the id or an alias of a model.")
            .Produces<string>(contentType: "text/plain")
            .WithMetadata(new AnswerExample("main: server is listening\n"))
            .Fails(StatusCodes.Status404NotFound, "model_not_found", "No such model");
    }

    private static IResult Show(string? source, string? lines, HttpContext context, LogSources sources)
    {
        var (log, error) = sources.Find(source, context.Caller());
        var wrong = Count(lines, least: 1, out var count);
        error ??= wrong;
        return error is not null ? new ErrorResult(error) : Results.Json(new LogAnswer(log!.Name, log.Lines(count)), AdminJson.Readable.LogAnswer);
    }

    private static async Task StreamAsync(string? source, string? lines, HttpContext context, LogSources sources, EventStream stream, bool isPlain)
    {
        var (log, error) = sources.Find(source, context.Caller());
        if (isPlain && source == LogSources.Upstream && error is { Code: "model_not_found" })
        {
            (log, error) = (sources.OfAllRunners(context.Caller()), null);
        }

        var wrong = Count(lines, least: 0, out var count);
        error ??= wrong;
        if (error is not null)
        {
            await ErrorWriter.WriteAsync(context, error);
            return;
        }

        var feed = new LineFeed(isPlain, count == 0 ? [] : log!.Lines(count));
        feed.Listen(log!.Follow);
        await stream.RunAsync(context, feed);
    }

    private static GatewayError? Count(string? text, int least, out int count)
    {
        count = UsualLines;
        return text is null || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count >= least && count <= MostLines)
            ? null
            : GatewayError.InvalidRequest(string.Create(CultureInfo.InvariantCulture, $"'lines' is a number from {least} to {MostLines}."), "lines");
    }
}

/// <summary>The end of a log.</summary>
/// <param name="Source">Whose it is: <c>gateway</c>, or a model's id.</param>
/// <param name="Lines">The lines, oldest first.</param>
internal sealed record LogAnswer(string Source, IReadOnlyList<string> Lines);
