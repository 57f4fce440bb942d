using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary>A refusal or failure as the client gets it: one HTTP status, one code that programs match, one sentence that people read.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The stable name of the case.</param>
/// <param name="Message">What happened and what can be done, for a person. Never holds a secret.</param>
internal sealed record GatewayError(int Status, string Code, string Message)
{
    /// <summary>The request field that is wrong, if one is.</summary>
    public string? Param { get; init; }

    /// <summary>When to ask again. Sent as whole seconds from 1 to 60: some clients ignore more or give up.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The numbers of a memory refusal.</summary>
    public MemoryShortage? Shortage { get; init; }

    /// <summary>How far a load is, where the error says that one is under way.</summary>
    public LoadProgress? Loading { get; init; }

    /// <summary>What the model would have to take beside text, where that is the trouble; not sent.</summary>
    public string? NeededModality { get; init; }

    /// <summary>The methods that the route does take, for a 405.</summary>
    public string? Allow { get; init; }

    /// <summary>OpenAI's class of the error, which follows from the status.</summary>
    public string Type => Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= 500 => "server_error",
        _ => "invalid_request_error",
    };

    /// <summary>The seconds of the <c>Retry-After</c> header. Every 429 and 503 has one.</summary>
    public int? RetryAfterSeconds => RetryAfter is { } wait
        ? (int)Math.Clamp(Math.Ceiling(wait.TotalSeconds), 1, 60)
        : Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable ? 5 : null;

    /// <summary>A body that is larger than the limit of this name in <c>Limits</c>.</summary>
    public static GatewayError TooLarge(long limit, string name = nameof(LimitOptions.RequestBody)) =>
        new(StatusCodes.Status413PayloadTooLarge, "request_too_large", $"The request body is larger than {new ByteSize(limit)}, the limit that Limits:{name} sets.");

    /// <summary>A body or a field of it that is not what the API takes.</summary>
    public static GatewayError InvalidRequest(string message, string? param = null) => new(StatusCodes.Status400BadRequest, "invalid_request", message) { Param = param };
}
