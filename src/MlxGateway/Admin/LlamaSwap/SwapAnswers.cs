using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MlxGateway.Admin.LlamaSwap;

/// <summary>One event of <c>GET /api/events</c>, as llama-swap sends it.</summary>
/// <param name="Type"><c>modelStatus</c>, <c>logData</c> or <c>metrics</c>.</param>
/// <param name="Data">What is told, as a text of JSON.</param>
internal sealed record SwapEvent(string Type, string Data);

/// <summary>A model and where it stands, as llama-swap shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">What people call it; empty where nobody gave it a name.</param>
/// <param name="State"><c>stopped</c>, <c>starting</c>, <c>ready</c>, <c>stopping</c>, or <c>shutdown</c>: stopped for good, because the gateway ends.</param>
/// <param name="Unlisted">Whether it is not to be offered, because its files are not here.</param>
/// <param name="Aliases">Other names that <c>model</c> may have.</param>
internal sealed record SwapModel(string Id, string Name, string State, bool Unlisted, IReadOnlyList<string> Aliases)
{
    /// <summary>Always empty.</summary>
    public string Description { get; init; } = "";

    /// <summary>Always empty: every model is one of this gateway's.</summary>
    [JsonPropertyName("peerID")]
    public string PeerId { get; init; } = "";
}

/// <summary>A piece of a log.</summary>
/// <param name="Source"><c>proxy</c>: the gateway's; <c>upstream</c>: what the runners write.</param>
/// <param name="Data">Lines, each with its line break.</param>
internal sealed record SwapLog(string Source, string Data);

/// <summary>What a request took, as llama-swap shows it. Of what is not known, counts are 0, cached tokens and speeds −1, as there.</summary>
/// <param name="Id">Its number in the history.</param>
/// <param name="Timestamp">When it was over, in UTC.</param>
/// <param name="Model">The model's id.</param>
/// <param name="ReqPath">Its route.</param>
/// <param name="RespStatusCode">The HTTP status that its client got.</param>
/// <param name="DurationMs">Milliseconds from its arrival to its end.</param>
/// <param name="Tokens">Its tokens.</param>
internal sealed record SwapMetric(long Id, DateTime Timestamp, string Model, string ReqPath, int RespStatusCode, long DurationMs, SwapTokens Tokens)
{
    /// <summary>The same as in <see cref="Tokens"/>: earlier versions have it here, and scripts read it here.</summary>
    public int CacheTokens => Tokens.CacheTokens;

    /// <inheritdoc cref="CacheTokens"/>
    public int InputTokens => Tokens.InputTokens;

    /// <inheritdoc cref="CacheTokens"/>
    public int OutputTokens => Tokens.OutputTokens;

    /// <inheritdoc cref="CacheTokens"/>
    public double PromptPerSecond => Tokens.PromptPerSecond;

    /// <inheritdoc cref="CacheTokens"/>
    public double TokensPerSecond => Tokens.TokensPerSecond;

    /// <summary>Always false: nothing that anybody says is kept.</summary>
    public bool HasCapture { get; init; }
}

/// <summary>The tokens of a request.</summary>
/// <param name="CacheTokens">Those of the prompt that the engine still had from before.</param>
/// <param name="InputTokens">All of the prompt.</param>
/// <param name="OutputTokens">Those of the answer.</param>
/// <param name="PromptPerSecond">How many of the prompt were read in a second.</param>
/// <param name="TokensPerSecond">How many of the answer were written in a second.</param>
internal sealed record SwapTokens(int CacheTokens, int InputTokens, int OutputTokens, double PromptPerSecond, double TokensPerSecond);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SwapEvent))]
[JsonSerializable(typeof(IReadOnlyList<SwapModel>))]
[JsonSerializable(typeof(SwapLog))]
[JsonSerializable(typeof(IReadOnlyList<SwapMetric>))]
internal sealed partial class SwapJson : JsonSerializerContext
{
    /// <summary>Writes texts as they are: a text of JSON in a text of JSON would otherwise be mostly escapes.</summary>
    public static SwapJson Readable { get; } = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
