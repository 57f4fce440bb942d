using System.Text.Json;
using System.Text.Json.Nodes;

namespace MlxGateway.Commands.Connecting;

/// <summary>What a client is to be told.</summary>
/// <param name="Base">The gateway's address, without a slash at the end.</param>
/// <param name="Key">The key; clients want one even where the gateway does not.</param>
/// <param name="Model">The model's id.</param>
/// <param name="Context">The most tokens of one conversation.</param>
internal sealed record Connection(string Base, string Key, string Model, int Context)
{
    /// <summary>The key for a gateway that wants none: clients do not start without one.</summary>
    public const string AnyKey = "local";

    /// <summary>Half an hour: models that load, and long prompts, take longer than clients wait by themselves.</summary>
    public const int PatienceSeconds = 1800;

    /// <summary>The same in milliseconds.</summary>
    public const int PatienceMilliseconds = PatienceSeconds * 1000;

    /// <summary>The address that OpenAI's clients want.</summary>
    public string V1 => Base + "/v1";

    /// <summary>The most tokens of one answer: a quarter of the context, and no more than answers need.</summary>
    public int Output => Math.Clamp(Context / 4, 256, 4096);

    /// <summary>A text in quotes, as JSON, YAML and TOML understand it alike.</summary>
    public static string Quoted(string text) => JsonSerializer.Serialize(text, JsonText.Readable);
}

/// <summary>How settings are written.</summary>
internal static class JsonText
{
    /// <summary>With line breaks, and without escapes that only web pages need.</summary>
    public static JsonSerializerOptions Readable { get; } = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A document as text.</summary>
    public static string Of(JsonNode node) => node.ToJsonString(Readable);
}
