using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MlxGateway.Mcp.Tools;

namespace MlxGateway.Mcp.Protocol;

/// <summary>How arguments and results are written. An argument that a tool does not have is an error: a misspelt one would otherwise be passed over in silence.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(JsonNode))]
[JsonSerializable(typeof(IDictionary<string, JsonElement>))]
[JsonSerializable(typeof(NoInput))]
[JsonSerializable(typeof(PortInput))]
[JsonSerializable(typeof(LaunchInput))]
[JsonSerializable(typeof(RestartInput))]
[JsonSerializable(typeof(ModelInput))]
[JsonSerializable(typeof(OptionalModelInput))]
[JsonSerializable(typeof(EnvironmentReport))]
[JsonSerializable(typeof(PortReport))]
[JsonSerializable(typeof(ServerList))]
[JsonSerializable(typeof(LaunchReport))]
[JsonSerializable(typeof(ShutdownReport))]
[JsonSerializable(typeof(ModelReport))]
[JsonSerializable(typeof(LoadReport))]
[JsonSerializable(typeof(UnloadReport))]
[JsonSerializable(typeof(ExplainReport))]
[JsonSerializable(typeof(SearchInput))]
[JsonSerializable(typeof(SearchReport))]
[JsonSerializable(typeof(DownloadInput))]
[JsonSerializable(typeof(DownloadReport))]
[JsonSerializable(typeof(RecommendInput))]
[JsonSerializable(typeof(RecommendReport))]
internal sealed partial class ToolContext : JsonSerializerContext;

/// <summary>How the types of tools are written.</summary>
internal static class ToolJson
{
    // Read by people and models, and never put into HTML.
    private static readonly JsonSerializerOptions Plain = new(ToolContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, TypeInfoResolver = ToolContext.Default };

    /// <summary>How a type is written.</summary>
    public static JsonTypeInfo<T> TypeOf<T>() => (JsonTypeInfo<T>)Plain.GetTypeInfo(typeof(T));
}
