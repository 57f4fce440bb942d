using System.Globalization;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Inference.Tracing;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Admin.History;

/// <summary>The requests that are over.</summary>
internal static class HistoryEndpoints
{
    private const int MostAtOnce = 1000;

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet("/api/requests/history", Show).Says("Requests", "Lists requests that are over, the newest first, over restarts too")
            .With("limit", "How many, 1 to 1000; 100 if it is left out.")
            .With("before", "The `next` of the page before.")
            .With("model", "Only those of this model, by its id or an alias.")
            .With("outcome", "Only those that ended so: completed, refused, failed, broken, client_left or cancelled.")
            .With("key", "Only those with the key of this name.")
            .With("since", "Only those that were over at this time or later: 2026-11-29T12:00:00Z.")
            .With("until", "Only those that were over before this time.")
            .Answers<HistoryAnswer>("""{"requests":[{"number":1742,"at":"2026-11-29T12:00:00Z","id":"req_5f1c","route":"/v1/chat/completions","model":"qwen","runner":"llama_server","key":"anna","outcome":"completed","status":200,"code":null,"stream":true,"prompt_tokens":812,"cached_tokens":640,"completion_tokens":214,"prompt_tokens_per_second":611.4,"tokens_per_second":42.1,"queue_seconds":0,"load_seconds":2.31,"first_byte_seconds":2.6,"first_token_seconds":2.61,"total_seconds":7.7,"finish_reason":"stop","request_bytes":5120}],"next":1741}""")
            .Fails(StatusCodes.Status400BadRequest, "invalid_request", "A parameter is not what it should be; `param` names it");

    private static IResult Show(string? limit, string? before, string? model, string? outcome, string? key, string? since, string? until, HttpContext context, RequestHistory history, ModelCatalog catalog)
    {
        var (query, error) = Read(limit, before, model, outcome, key, since, until, catalog.Current);
        return error is not null ? new ErrorResult(error) : Results.Json(history.Find(query! with { IsShown = ShownTo(context.Caller(), catalog.Current) }), HistoryJson.Readable.HistoryAnswer);
    }

    // A key of some models is shown its own requests and those to these models.
    private static Func<PastRequest, bool>? ShownTo(ICaller? caller, CatalogSnapshot known) =>
        caller is null ? null : request => request.Key == caller.Name || caller.IsGoodFor(request.Model ?? "", known);

    private static (HistoryQuery? Query, GatewayError? Error) Read(string? limit, string? before, string? model, string? outcome, string? key, string? since, string? until, CatalogSnapshot known)
    {
        var count = 100;
        if (limit is not null && !(int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count is >= 1 and <= MostAtOnce))
        {
            return (null, GatewayError.InvalidRequest($"'limit' is a number from 1 to {MostAtOnce}.", "limit"));
        }

        long number = 0;
        if (before is not null && !long.TryParse(before, NumberStyles.None, CultureInfo.InvariantCulture, out number))
        {
            return (null, GatewayError.InvalidRequest("'before' is the 'next' of the page before.", "before"));
        }

        if (outcome is not null && !OutcomeNames.All.Contains(outcome))
        {
            return (null, GatewayError.InvalidRequest($"'outcome' is one of {string.Join(", ", OutcomeNames.All)}.", "outcome"));
        }

        if (!TryTime(since, out var from))
        {
            return (null, GatewayError.InvalidRequest("'since' is a time like 2026-11-29T12:00:00Z.", "since"));
        }

        if (!TryTime(until, out var to))
        {
            return (null, GatewayError.InvalidRequest("'until' is a time like 2026-11-29T12:00:00Z.", "until"));
        }

        return (new HistoryQuery
        {
            Limit = count,
            Before = before is null ? null : number,
            Model = model is null ? null : known.Resolve(model)?.Id ?? model, // one that has gone is found by its id
            Outcome = outcome,
            Key = key,
            Since = from,
            Until = to,
        }, null);
    }

    // Without a zone it is UTC, as all times here.
    private static bool TryTime(string? text, out DateTime? time)
    {
        time = null;
        if (text is null)
        {
            return true;
        }

        // Whoever writes +01:00 into an address as it is has sent a space.
        text = text.Contains('T', StringComparison.OrdinalIgnoreCase) ? text.Replace(' ', '+') : text;
        var isTime = DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out var parsed);
        time = parsed;
        return isTime;
    }
}
