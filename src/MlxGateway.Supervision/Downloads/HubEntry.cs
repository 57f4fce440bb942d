using System.Text.Json.Serialization;

namespace MlxGateway.Supervision.Downloads;

/// <summary>A model as the Hub lists it, with what was asked to be said of it.</summary>
internal sealed record HubEntry
{
    /// <summary>Its repository.</summary>
    public string? Id { get; init; }

    /// <summary>How often it was fetched in the last month.</summary>
    public long Downloads { get; init; }

    /// <summary>How many people like it.</summary>
    public long Likes { get; init; }

    /// <summary>What it is for, in the Hub's words: <c>text-generation</c>.</summary>
    [JsonPropertyName("pipeline_tag")]
    public string? PipelineTag { get; init; }

    /// <summary>What its makers say of it, in single words.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Its files.</summary>
    public IReadOnlyList<HubEntryFile>? Siblings { get; init; }

    /// <summary>What its safetensors hold; null: it has none.</summary>
    public HubTensors? Safetensors { get; init; }

    /// <summary>What its GGUF files say; null: it has none.</summary>
    public HubGguf? Gguf { get; init; }
}

/// <summary>A file of a repository.</summary>
internal sealed record HubEntryFile
{
    /// <summary>Its path in the repository.</summary>
    public string? Rfilename { get; init; }

    /// <summary>Its bytes; null: not said, as by the Hub itself where it lists many.</summary>
    public long? Size { get; init; }
}

/// <summary>What safetensors hold.</summary>
internal sealed record HubTensors
{
    /// <summary>How many values there are of each type.</summary>
    public IReadOnlyDictionary<string, long>? Parameters { get; init; }
}

/// <summary>What GGUF files say.</summary>
internal sealed record HubGguf
{
    /// <summary>How many parameters the model has.</summary>
    public long? Total { get; init; }

    /// <summary>The most tokens of one conversation.</summary>
    [JsonPropertyName("context_length")]
    public long? ContextLength { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(List<HubEntry>))]
internal sealed partial class HubJson : JsonSerializerContext;
