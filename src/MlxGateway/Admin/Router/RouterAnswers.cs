using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Inference.Listing;

namespace MlxGateway.Admin.Router;

/// <summary>The models, as llama.cpp's router lists them.</summary>
/// <param name="Data">The models, ordered by id.</param>
internal sealed record RouterList(IReadOnlyList<RouterModel> Data)
{
    /// <summary>Always <c>list</c>.</summary>
    public string Object { get; init; } = "list";
}

/// <summary>One model, as llama.cpp's router shows it.</summary>
internal sealed record RouterModel
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Other names that <c>model</c> may have.</summary>
    public required IReadOnlyList<string> Aliases { get; init; }

    /// <summary>What a list can be narrowed down by.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Always <c>model</c>.</summary>
    public string Object { get; init; } = "model";

    /// <summary>Always <c>mlxgateway</c>.</summary>
    public string OwnedBy { get; init; } = "mlxgateway";

    /// <summary>When the gateway first saw it, in seconds since 1970.</summary>
    public required long Created { get; init; }

    /// <summary>Where it lies; only for who may steer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Path { get; init; }

    /// <summary>Where it stands.</summary>
    public required RouterStatus Status { get; init; }

    /// <summary>What goes in and what comes out.</summary>
    public required ModelArchitecture Architecture { get; init; }

    /// <summary><c>preset</c> (the configuration), <c>cache</c> (the Hugging Face cache) or <c>models_dir</c> (another folder).</summary>
    public required string Source { get; init; }

    /// <summary>Whether <c>DELETE /models</c> would remove it.</summary>
    public required bool CanRemove { get; init; }

    /// <summary>Its numbers.</summary>
    public required ModelMeta Meta { get; init; }
}

/// <summary>Where a model stands, in the words of llama.cpp's router.</summary>
/// <param name="Value"><c>unloaded</c>, <c>loading</c>, <c>loaded</c> or <c>downloading</c>; what is on its way out is loaded until it is gone.</param>
internal sealed record RouterStatus(string Value)
{
    /// <summary>The runner's kind and the arguments that are configured for it, secrets masked; only for who may steer.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Args { get; init; }

    /// <summary>True where its last load failed; otherwise not there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Failed { get; init; }

    /// <summary>1 where its last load failed: clients tell by it; otherwise not there.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ExitCode { get; init; }

    /// <summary>Why, as a sentence.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Failure { get; init; }
}

/// <summary>That what was asked for is done, or has begun.</summary>
/// <param name="Success">Always true.</param>
internal sealed record RouterDone(bool Success = true);

/// <summary>What was removed.</summary>
/// <param name="Success">Always true.</param>
/// <param name="Model">The model's id.</param>
/// <param name="FreedBytes">How many bytes came free.</param>
internal sealed record RouterRemoved(bool Success, string Model, long FreedBytes);

/// <summary>One event of <c>GET /models/sse</c>.</summary>
/// <param name="Model">The model's id; <c>*</c> for all.</param>
/// <param name="Event"><c>model_status</c>, <c>model_remove</c> or <c>models_reload</c>.</param>
internal sealed record RouterEvent(string Model, string Event)
{
    /// <summary>What is told of the model; not there where the event says all.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RouterEventData? Data { get; init; }
}

/// <summary>An event of <c>GET /models/sse</c> about a download.</summary>
/// <param name="Model">The model, as it was asked for.</param>
/// <param name="Event"><c>download_progress</c>, <c>download_finished</c> or <c>download_failed</c>.</param>
internal sealed record RouterDownload(string Model, string Event)
{
    /// <summary>How much of it is here; one entry for all its files together. Not there where it is over.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, RouterBytes>? Data { get; init; }
}

/// <summary>How much of something is here.</summary>
/// <param name="Done">The bytes that are.</param>
/// <param name="Total">The bytes of all.</param>
internal sealed record RouterBytes(long Done, long Total);

/// <summary>Where a model stands now.</summary>
/// <param name="Status">As in the list.</param>
internal sealed record RouterEventData(string Status)
{
    /// <summary>How far a load is, by how long the last one took.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RouterProgress? Progress { get; init; }

    /// <summary>Of what is unloaded: 1 where its load failed, otherwise 0. Clients tell by it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? ExitCode { get; init; }

    /// <summary>Why a load failed, as a sentence.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Failure { get; init; }

    /// <summary>What is known of a model that is loaded.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public RouterInfo? Info { get; init; }
}

/// <summary>How far a load is.</summary>
/// <param name="Stages">Always <c>text_model</c> alone: engines do not say more.</param>
/// <param name="Current">The stage.</param>
/// <param name="Value">0 to 1.</param>
internal sealed record RouterProgress(IReadOnlyList<string> Stages, string Current, double Value);

/// <summary>What is known of a model that is loaded.</summary>
/// <param name="Meta">Its numbers.</param>
/// <param name="Architecture">What goes in and what comes out.</param>
internal sealed record RouterInfo(ModelMeta Meta, ModelArchitecture Architecture);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(RouterList))]
[JsonSerializable(typeof(RouterDone))]
[JsonSerializable(typeof(RouterRemoved))]
[JsonSerializable(typeof(RouterEvent))]
[JsonSerializable(typeof(RouterDownload))]
internal sealed partial class RouterJson : JsonSerializerContext
{
    /// <summary>Without the escapes that only a web page needs: ids and failures are read by people too.</summary>
    public static RouterJson Readable { get; } = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
