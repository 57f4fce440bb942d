using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>What an exchange came to: a name under which it is counted, or what is wrong with it.</summary>
/// <param name="Name">What it is counted as: <c>whole</c>, <c>whole stream</c>, <c>left</c>, an error's status and code, or a frame's code.</param>
/// <param name="Flaw">Why the request was lost; null: it was not.</param>
internal sealed record Verdict(string Name, string? Flaw = null)
{
    /// <summary>The request was lost.</summary>
    public static Verdict Lost(string flaw) => new("lost", flaw);
}

/// <summary>Decides whether a client got what it must: its whole answer, an error that its own doing or a known calamity explains, in the right shape, or nothing because it left.</summary>
internal sealed class ChaosJudge(Calamities calamities)
{
    private static readonly Dictionary<string, int[]> Statuses = new()
    {
        ["invalid_request"] = [400, 422],
        ["model_not_found"] = [404],
        ["request_too_large"] = [413],
        ["queue_full"] = [429],
        ["runner_failed"] = [502],
        ["model_loading"] = [503],
        ["model_launch_failed"] = [503],
        ["insufficient_memory_now"] = [503],
        ["background_yielded"] = [503],
        ["evicted"] = [503],
    };

    /// <summary>Judges.</summary>
    public Verdict Judge(ChaosExchange exchange)
    {
        var (request, response) = (exchange.Request, exchange.Response);
        return response switch
        {
            { Flaw: { } flaw } => Verdict.Lost($"not HTTP: {flaw}"),
            _ when exchange.Parting is Parting.Left => Left(exchange),
            { Status: 0 } => Verdict.Lost("no answer"),
            _ when !response.Headers.ContainsKey("x-request-id") => Verdict.Lost("no x-request-id"),
            { Status: 200 } when request.Stream => Streamed(exchange),
            { IsWhole: false } => Verdict.Lost("a response without its end"),
            { Status: 200 } => Whole(request, response),
            _ => Refused(exchange),
        };
    }

    private static Verdict Left(ChaosExchange exchange)
    {
        var (request, response) = (exchange.Request, exchange.Response);
        if (response is { Status: 200 } && request.Stream)
        {
            var said = StreamReading.Of(response.Body);
            return said.Flaw is null && request.Answer.StartsWith(said.Text, StringComparison.Ordinal) ? new("left") : Verdict.Lost(said.Flaw ?? "the wrong text, as far as it was read");
        }

        return new("left");
    }

    private static Verdict Whole(ChaosRequest request, WireReader response)
    {
        if (request.Trouble is not Trouble.None)
        {
            return Verdict.Lost("a whole answer in spite of its trouble");
        }

        try
        {
            using var json = JsonDocument.Parse(response.Body);
            var root = json.RootElement;
            if (root.GetProperty("model").GetString() != request.Model.Id)
            {
                return Verdict.Lost("an answer of another model");
            }

            if (request.Wish is Wish.Embedding)
            {
                return root.GetProperty("data")[0].GetProperty("embedding").GetArrayLength() > 0 ? new("whole embedding") : Verdict.Lost("an empty vector");
            }

            var choice = root.GetProperty("choices")[0];
            var text = request.Wish is Wish.Chat ? choice.GetProperty("message").GetProperty("content").GetString() : choice.GetProperty("text").GetString();
            return text != request.Answer ? Verdict.Lost("the wrong text")
                : choice.GetProperty("finish_reason").GetString() is not "stop" ? Verdict.Lost("the wrong finish reason")
                : new("whole");
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return Verdict.Lost($"a 200 that is no answer: {broken.Message}");
        }
    }

    private Verdict Streamed(ChaosExchange exchange)
    {
        var (request, response) = (exchange.Request, exchange.Response);
        if (response.Headers.GetValueOrDefault("Content-Type")?.StartsWith("text/event-stream", StringComparison.Ordinal) is not true)
        {
            return Verdict.Lost("a stream of another type");
        }

        var said = StreamReading.Of(response.Body);
        if (said.Flaw is not null || said.Rest.Length > 0)
        {
            return Verdict.Lost(said.Flaw ?? "half an event at its end");
        }

        if (!request.Answer.StartsWith(said.Text, StringComparison.Ordinal))
        {
            return Verdict.Lost("the wrong text");
        }

        if (said.Error is { } error)
        {
            // Without its last chunk, so that a client that does not look at frames notices too; closed and not reset, which can overtake the frame.
            return response.IsWhole || exchange.Parting is not Parting.Closed ? Verdict.Lost($"an error frame, but the response ended as {exchange.Parting}")
                : ShapeFlaw(error, null) is { } flaw ? Verdict.Lost(flaw)
                : Explained(exchange, error, $"frame {CodeOf(error)}");
        }

        return !response.IsWhole ? Verdict.Lost($"a stream without end or error frame ({exchange.Parting})")
            : request.Trouble is not Trouble.None ? Verdict.Lost("a whole stream in spite of its trouble")
            : said.Finish is not "stop" || !said.Done ? Verdict.Lost($"a stream that ends with finish reason '{said.Finish}', done: {said.Done}")
            : said.Text != request.Answer ? Verdict.Lost("a stream that lacks text")
            : new("whole stream");
    }

    private Verdict Refused(ChaosExchange exchange)
    {
        var response = exchange.Response;
        JsonElement error;
        try
        {
            using var json = JsonDocument.Parse(response.Body);
            error = json.RootElement.GetProperty("error").Clone();
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return Verdict.Lost($"an error status without an error: {broken.Message}");
        }

        if (response.Headers.GetValueOrDefault("Content-Type")?.StartsWith("application/json", StringComparison.Ordinal) is not true)
        {
            return Verdict.Lost("an error that is not called JSON");
        }

        if (response.Status is 429 or 503 && !(int.TryParse(response.Headers.GetValueOrDefault("Retry-After"), CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 60))
        {
            return Verdict.Lost("no Retry-After from 1 to 60");
        }

        return ShapeFlaw(error, response.Status) is { } flaw ? Verdict.Lost(flaw) : Explained(exchange, error, $"{response.Status} {CodeOf(error)}");
    }

    private static string CodeOf(JsonElement error) => error.GetProperty("code").GetString()!;

    private static string? ShapeFlaw(JsonElement error, int? status)
    {
        if (error.ValueKind is not JsonValueKind.Object
            || !error.TryGetProperty("message", out var message) || message.ValueKind is not JsonValueKind.String || message.GetString()!.Length == 0
            || !error.TryGetProperty("type", out var type) || !error.TryGetProperty("param", out _)
            || !error.TryGetProperty("code", out var code) || code.ValueKind is not JsonValueKind.String)
        {
            return "an error of another shape";
        }

        if (!Statuses.TryGetValue(code.GetString()!, out var statuses) || (status is { } its && !statuses.Contains(its)))
        {
            return $"code '{code}' with status {status}";
        }

        var expected = (status ?? statuses[0]) switch { 429 => "rate_limit_error", >= 500 => "server_error", _ => "invalid_request_error" };
        return type.GetString() == expected ? null : $"type '{type}' of code '{code}'";
    }

    private Verdict Explained(ChaosExchange exchange, JsonElement error, string name)
    {
        var request = exchange.Request;
        var code = CodeOf(error);
        var struck = calamities.Explain(request.Model.Id, exchange.Began, exchange.Ended);
        var explained = code switch
        {
            "model_not_found" => request.Trouble is Trouble.UnknownModel || request.Model.Id == ChaosFleet.Guest,
            "request_too_large" => request.Trouble is Trouble.TooLarge,
            "invalid_request" => request.Trouble is Trouble.Unprocessable,
            "background_yielded" => request.Background,
            "runner_failed" => struck || request.Trouble is Trouble.Dies or Trouble.Freezes or Trouble.Cut or Trouble.Reset or Trouble.ServerError,
            "model_launch_failed" => struck,
            "model_loading" => !request.Stream,
            _ => true,
        };
        var missed = request.Trouble is Trouble.UnknownModel or Trouble.TooLarge && code is not ("model_not_found" or "request_too_large");
        return explained && !missed ? new(name) : Verdict.Lost($"'{code}' without a cause: {error.GetProperty("message").GetString()}");
    }
}
