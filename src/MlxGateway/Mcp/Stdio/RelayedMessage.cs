using System.Text.Json;

namespace MlxGateway.Mcp.Stdio;

/// <summary>What a relay must know of a message.</summary>
/// <param name="Id">Its id in JSON, written in one way however the message writes it; null: nobody waits for an answer.</param>
/// <param name="Method">What is wanted; null: it is an answer.</param>
internal sealed record RelayedMessage(string? Id, string? Method)
{
    /// <summary>What the method is about: the name of a tool.</summary>
    public string? Name { get; private init; }

    /// <summary>The revision of the protocol that the message itself names.</summary>
    public string? Version { get; private init; }

    /// <summary>The revision that an answer to <c>initialize</c> agrees on.</summary>
    public string? AgreedVersion { get; private init; }

    /// <summary>The id of the request that the message calls off.</summary>
    public string? CancelledId { get; private init; }

    /// <summary>Looks at a message; null: it is none.</summary>
    public static RelayedMessage? Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("jsonrpc", out _))
            {
                return null;
            }

            var parameters = Member(root, "params");
            var method = Text(root, "method");
            return new RelayedMessage(IdOf(Member(root, "id")), method)
            {
                Name = Text(parameters, "name"),
                Version = Text(Member(parameters, "_meta"), "io.modelcontextprotocol/protocolVersion"),
                AgreedVersion = Text(Member(root, "result"), "protocolVersion"),
                CancelledId = method == "notifications/cancelled" ? IdOf(Member(parameters, "requestId")) : null,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What the gateway says is wrong; null: it does not say it as it says it to everybody.</summary>
    public static string? ErrorIn(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Text(Member(document.RootElement, "error"), "message");
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // Between the question and the answer stand several programs, each of which escapes other letters.
    private static string? IdOf(JsonElement id) => id.ValueKind switch
    {
        JsonValueKind.String => JsonSerializer.Serialize(id.GetString()),
        JsonValueKind.Number => id.GetRawText(),
        _ => null,
    };

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) ? member : default;

    private static string? Text(JsonElement element, string name) => Member(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
}
