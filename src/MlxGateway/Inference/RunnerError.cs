using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace MlxGateway.Inference;

/// <summary>Turns what engines answer with an error status into the one shape that clients get. Engines write <c>{"error":{…}}</c>, <c>{"error":"text"}</c>, <c>{"detail":"text"}</c>, any of these as JSON in a text of JSON, plain text or HTML.</summary>
internal static partial class RunnerError
{
    /// <summary>The most of an error body that is read.</summary>
    public const int BodyLimit = 64 * 1024;

    /// <summary>The error that the client gets for an error response of the runner.</summary>
    /// <param name="status">The runner's status.</param>
    /// <param name="body">As much of its body as is needed.</param>
    /// <param name="model">The model's id.</param>
    /// <param name="kind">The kind of runner that serves it.</param>
    /// <param name="route">The route that was asked for.</param>
    public static GatewayError From(int status, ReadOnlySpan<byte> body, string model, string kind, string route)
    {
        var (message, type, promptTokens, contextLength) = Read(body);
        if (status is StatusCodes.Status422UnprocessableEntity or StatusCodes.Status400BadRequest && BreachOf(body) is { } breach)
        {
            return GatewayError.InvalidRequest(breach.Message, breach.Field);
        }

        if (type == "exceed_context_size_error")
        {
            return TooLong(promptTokens, contextLength, message);
        }

        // The companion of mlx_lm says it in the words that clients look for; mlx_vlm and mlc_llm in their own.
        if (status is StatusCodes.Status400BadRequest && ContextLimit().Match(message) is { Success: true } said)
        {
            return TooLong(null, null, said.Groups["limit"] is { Success: true } limit ? $"This model's maximum context length is {limit.Value} tokens. {message}"
                : said.Groups["budget"].Success ? $"The request is longer than this model's maximum context length. {message}"
                : message);
        }

        return status switch
        {
            StatusCodes.Status404NotFound or StatusCodes.Status501NotImplemented =>
                new GatewayError(StatusCodes.Status404NotFound, "not_found", $"Model '{model}' is served by {kind}, which does not offer {route}. It answered: {message}"),
            StatusCodes.Status409Conflict => GatewayError.InvalidRequest(message), // a 409 would be sent again by clients, unasked
            StatusCodes.Status429TooManyRequests => new GatewayError(status, "queue_full", message),
            >= 500 => new GatewayError(StatusCodes.Status502BadGateway, "runner_failed", $"The runner of model '{model}' answered with status {status}: {message}"),
            _ => new GatewayError(status, "invalid_request", message),
        };
    }

    /// <summary>The error that the client gets for a WebSocket that the runner did not open.</summary>
    public static GatewayError OfHandshake(int status, string model, string kind, string route) => status switch
    {
        StatusCodes.Status400BadRequest => GatewayError.InvalidRequest($"Model '{model}' is served by {kind}, which refused the handshake of the WebSocket (status 400)."),
        >= 400 and < 500 => new GatewayError(StatusCodes.Status404NotFound, "not_found", $"Model '{model}' is served by {kind}, which opens no WebSocket at {route} (it answered with status {status})."),
        _ => new GatewayError(StatusCodes.Status502BadGateway, "runner_failed", $"The runner of model '{model}' answered the handshake of a WebSocket with status {status}."),
    };

    /// <summary>The message of an <c>error</c> member, whether text or object. The reader stands on its value and is moved to its end.</summary>
    public static string MessageOf(ref Utf8JsonReader json)
    {
        using var value = JsonDocument.ParseValue(ref json); // a rare event, a few hundred bytes
        return MessageOf(value.RootElement) ?? "the runner gave no reason";
    }

    // "maximum context length is N tokens" is what clients look for in the text.
    private static GatewayError TooLong(long? promptTokens, long? contextLength, string message) =>
        new(StatusCodes.Status400BadRequest, "context_length_exceeded", contextLength is { } limit
            ? string.Create(CultureInfo.InvariantCulture, $"This model's maximum context length is {limit} tokens. However, the request has {promptTokens?.ToString(CultureInfo.InvariantCulture) ?? "more"} tokens.")
            : message)
        {
            Param = "messages",
        };

    private static (string Message, string? Type, long? PromptTokens, long? ContextLength) Read(ReadOnlySpan<byte> body, bool isInner = false)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var json = JsonDocument.ParseValue(ref reader);
            if (!isInner && json.RootElement.ValueKind == JsonValueKind.String && TextOf(json.RootElement) is ['{', ..] inside)
            {
                return Read(Encoding.UTF8.GetBytes(inside), isInner: true); // as mlc_llm writes it, encoded twice
            }

            var error = json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("error", out var inner) ? inner : json.RootElement;
            var message = MessageOf(error);
            if (message is not null)
            {
                return (message, TextOf(error, "type"), NumberOf(error, "n_prompt_tokens"), NumberOf(error, "n_ctx"));
            }
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            // The second: a name holds an escape that stands for no character.
        }

        return (PlainText(body), null, null, null);
    }

    // What FastAPI says of a body that is not what a route takes: each breach with its place, its words, and with what was sent, which names files of this machine.
    private static (string Message, string? Field)? BreachOf(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var json = JsonDocument.ParseValue(ref reader);
            if (json.RootElement.ValueKind != JsonValueKind.Object || !json.RootElement.TryGetProperty("detail", out var detail) || detail.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            var breaches = detail.EnumerateArray().Select(one => (Words: TextOf(one, "msg"), Field: FieldOf(one))).Where(one => one.Words is not null).Take(5).ToList();
            return breaches.Count == 0 ? null : (string.Join("; ", breaches.Select(one => one.Field is null ? one.Words : $"{one.Field}: {one.Words}")), breaches[0].Field);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // ["body", "documents", 0] is documents.0.
    private static string? FieldOf(JsonElement breach) =>
        breach.TryGetProperty("loc", out var place) && place.ValueKind == JsonValueKind.Array && string.Join('.', place.EnumerateArray().Select(part => part.ToString()).Where((part, at) => at > 0 || part != "body")) is { Length: > 0 } field ? field : null;

    private static string? MessageOf(JsonElement error) => error.ValueKind switch
    {
        JsonValueKind.String => TextOf(error),
        JsonValueKind.Object => TextOf(error, "message") ?? TextOf(error, "detail") ?? (error.TryGetProperty("detail", out var detail) ? detail.GetRawText() : null),
        _ => null,
    };

    private static string? TextOf(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? TextOf(value) : null;

    private static string? TextOf(JsonElement text)
    {
        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            return text.GetRawText(); // half of a character, as a model may write it
        }
    }

    private static long? NumberOf(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    // A page of HTML helps nobody in a message; its first words may.
    private static string PlainText(ReadOnlySpan<byte> body)
    {
        var text = Encoding.UTF8.GetString(body[..Math.Min(body.Length, 2000)]);
        var plain = new StringBuilder(text.Length);
        var inTag = false;
        foreach (var c in text)
        {
            inTag = c == '<' || (inTag && c != '>');
            if (!inTag && c != '>')
            {
                plain.Append(char.IsWhiteSpace(c) ? ' ' : c);
            }
        }

        var words = string.Join(' ', plain.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return words.Length == 0 ? "it gave no reason" : words.Length <= 300 ? words : string.Concat(words.AsSpan(0, 300), "…");
    }

    [GeneratedRegex(@"maximum context length is \d+ tokens|(but MAX_KV_SIZE is|larger than the model input length limit) (?<limit>\d+)|(?<budget>exceeds the available context budget)")]
    private static partial Regex ContextLimit();
}
