using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Inference;
using MlxGateway.Inference.Tracing;

namespace MlxGateway.Admin.History;

/// <summary>A request that is over. Holds no text of the client's or of the model's. What is not known is null.</summary>
internal sealed record PastRequest
{
    /// <summary>Its place in the history; the next one has the next number.</summary>
    public required long Number { get; init; }

    /// <summary>When it was over, in UTC.</summary>
    public required DateTime At { get; init; }

    /// <summary>The value of <c>x-request-id</c>.</summary>
    public required string Id { get; init; }

    /// <summary>Its route.</summary>
    public required string Route { get; init; }

    /// <summary>Its model; null: none was resolved.</summary>
    public string? Model { get; init; }

    /// <summary>The kind that served it.</summary>
    public string? Runner { get; init; }

    /// <summary>Whose key it was sent with.</summary>
    public string? Key { get; init; }

    /// <summary><c>completed</c>, <c>refused</c>, <c>failed</c>, <c>broken</c>, <c>client_left</c> or <c>cancelled</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>The HTTP status that the client got; 499 if it left before there was one.</summary>
    public int Status { get; init; }

    /// <summary>The code of the error, if there was one.</summary>
    public string? Code { get; init; }

    /// <summary>Whether a stream was asked for.</summary>
    public bool Stream { get; init; }

    /// <summary>Tokens of the prompt.</summary>
    public int? PromptTokens { get; init; }

    /// <summary>Of these the ones that the engine still had from before.</summary>
    public int? CachedTokens { get; init; }

    /// <summary>Tokens of the answer.</summary>
    public int? CompletionTokens { get; init; }

    /// <summary>How many tokens of the prompt were read in a second.</summary>
    public double? PromptTokensPerSecond { get; init; }

    /// <summary>How many tokens of the answer were written in a second.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>The wait for a turn, the load not counted.</summary>
    public double QueueSeconds { get; init; }

    /// <summary>The wait for the model to be loaded.</summary>
    public double LoadSeconds { get; init; }

    /// <summary>From the arrival to the first byte of the runner.</summary>
    public double? FirstByteSeconds { get; init; }

    /// <summary>From the arrival to the first piece of a streamed answer.</summary>
    public double? FirstTokenSeconds { get; init; }

    /// <summary>From the arrival to the end.</summary>
    public double TotalSeconds { get; init; }

    /// <summary>Why the answer ended, in the engine's word for it.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Bytes of the body.</summary>
    public long RequestBytes { get; init; }

    /// <summary>Puts a record into this form.</summary>
    public static PastRequest Of(RequestRecord record, long number, DateTimeOffset at) => new()
    {
        Number = number,
        At = at.UtcDateTime,
        Id = record.Id,
        Route = record.Route,
        Model = record.Model,
        Runner = record.Runner,
        Key = record.Caller,
        Outcome = OutcomeNames.Of(record.Outcome),
        Status = record.Status,
        Code = record.Code,
        Stream = record.Stream,
        PromptTokens = record.PromptTokens,
        CachedTokens = record.CachedTokens,
        CompletionTokens = record.CompletionTokens,
        PromptTokensPerSecond = Rounded(record.PromptTokensPerSecond, 1),
        TokensPerSecond = Rounded(record.TokensPerSecond, 1),
        QueueSeconds = Seconds(record.Queued),
        LoadSeconds = Seconds(record.Loading),
        FirstByteSeconds = record.FirstByte is { } first ? Seconds(first) : null,
        FirstTokenSeconds = record.FirstToken is { } token ? Seconds(token) : null,
        TotalSeconds = Seconds(record.Total),
        FinishReason = record.FinishReason,
        RequestBytes = record.RequestBytes,
    };

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 4);

    // What is no number cannot be written down.
    private static double? Rounded(double? value, int digits) => value is { } number && double.IsFinite(number) ? Math.Round(number, digits) : null;
}

/// <summary>Requests that are over, the newest first.</summary>
/// <param name="Requests">One page of them.</param>
/// <param name="Next">What <c>before</c> must be for the next page; null: this was the last.</param>
internal sealed record HistoryAnswer(IReadOnlyList<PastRequest> Requests, long? Next);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HistoryAnswer))]
internal sealed partial class HistoryJson : JsonSerializerContext
{
    /// <summary>Without the escapes that only a web page needs: ids and names are read by people too.</summary>
    public static HistoryJson Readable { get; } = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}

// What is null is not written: thousands of lines are kept.
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PastRequest))]
internal sealed partial class HistoryLineJson : JsonSerializerContext;
