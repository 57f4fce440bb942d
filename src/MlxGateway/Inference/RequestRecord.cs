
namespace MlxGateway.Inference;

/// <summary>How a request ended.</summary>
public enum RequestOutcome
{
    /// <summary>A whole answer was sent.</summary>
    Completed,

    /// <summary>The gateway refused it; nothing was generated.</summary>
    Refused,

    /// <summary>The runner answered with an error.</summary>
    Failed,

    /// <summary>The runner broke, or the model was evicted, before the answer was complete.</summary>
    Broken,

    /// <summary>The client went away.</summary>
    ClientLeft,

    /// <summary>Somebody called it off.</summary>
    Cancelled,
}

/// <summary>What is known of one request once it is over. Holds no text of the client's or of the model's.</summary>
public sealed class RequestRecord
{
    /// <summary>The value of <c>x-request-id</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The route.</summary>
    public required string Route { get; init; }

    /// <summary>Whose key it was sent with, by the key's name; null: nobody was asked for one.</summary>
    public string? Caller { get; init; }

    /// <summary>The model's id; null if none was resolved.</summary>
    public string? Model { get; set; }

    /// <summary>The kind of its runner.</summary>
    public string? Runner { get; set; }

    /// <summary>Whether a stream was asked for.</summary>
    public bool Stream { get; set; }

    /// <summary>The HTTP status that the client got; 499 if it left before there was one.</summary>
    public int Status { get; set; }

    /// <summary>How it ended.</summary>
    public RequestOutcome Outcome { get; set; }

    /// <summary>The error code, if there was an error.</summary>
    public string? Code { get; set; }

    /// <summary>The wait for a turn, loading not counted.</summary>
    public TimeSpan Queued { get; set; }

    /// <summary>The part of the wait during which the model was loaded.</summary>
    public TimeSpan Loading { get; set; }

    /// <summary>From the arrival to the first byte that the runner sent; null: it sent none.</summary>
    public TimeSpan? FirstByte { get; set; }

    /// <summary>From the arrival to the first piece of a streamed answer itself: a text, a thought or a call. Null: none came, or the answer was no stream.</summary>
    public TimeSpan? FirstToken { get; set; }

    /// <summary>From the arrival to the end.</summary>
    public TimeSpan Total { get; set; }

    /// <summary>Tokens of the prompt as the engine counted them, if it said so.</summary>
    public int? PromptTokens { get; set; }

    /// <summary>Tokens of the answer as the engine counted them, if it said so.</summary>
    public int? CompletionTokens { get; set; }

    /// <summary>Of the prompt's tokens those that the engine still had from before, if it said so.</summary>
    public int? CachedTokens { get; set; }

    /// <summary>Why the answer ended, as the client was told it: in the engine's word for it, but for calls that the gateway read in the text; null: nobody said.</summary>
    public string? FinishReason { get; set; }

    /// <summary>Tokens of the answer in a second: as the engine says, else from the first piece of a stream to the end. Null: not known.</summary>
    public double? TokensPerSecond
    {
        get => field ?? (Stream && CompletionTokens is { } tokens && (FirstToken ?? FirstByte) is { } first && Total > first ? tokens / (Total - first).TotalSeconds : null);
        set;
    }

    /// <summary>Tokens of the prompt that the engine read in a second, if it said so.</summary>
    public double? PromptTokensPerSecond { get; set; }

    /// <summary>Bytes of the request body.</summary>
    public long RequestBytes { get; set; }

    /// <summary>Takes over what the answer said of itself.</summary>
    internal void Note(in StreamFacts facts, string? finishReason)
    {
        (PromptTokens, CompletionTokens, CachedTokens) = (facts.PromptTokens, facts.CompletionTokens, facts.Counts.CachedTokens);
        (FinishReason, TokensPerSecond, PromptTokensPerSecond) = (finishReason, facts.Counts.Speed, facts.Counts.PromptSpeed);
    }
}

/// <summary>Hears of every request that is over.</summary>
public interface IRequestObserver
{
    /// <summary>Called once for each request, after its response has ended. Must be quick and must not throw.</summary>
    void Completed(RequestRecord record);
}
