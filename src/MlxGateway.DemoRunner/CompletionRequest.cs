using System.Text.Json;

namespace MlxGateway.DemoRunner;

/// <summary>What matters of the body of a completion request.</summary>
/// <param name="IsChat">Whether it came to the chat endpoint.</param>
/// <param name="Model">The model as the client named it.</param>
/// <param name="Stream">Whether it wants a stream.</param>
/// <param name="IncludeUsage">Whether the stream ends in a chunk with the usage.</param>
/// <param name="MaxTokens">How many words it wants at most; null: all.</param>
/// <param name="FirstTool">The name of its first tool; null: it has none.</param>
/// <param name="PromptTokens">How many words it holds.</param>
internal sealed record CompletionRequest(bool IsChat, string Model, bool Stream, bool IncludeUsage, int? MaxTokens, string? FirstTool, int PromptTokens)
{
    /// <summary>Reads it.</summary>
    /// <exception cref="FormatException">The body lacks what it must have, or a field has the wrong type.</exception>
    public static CompletionRequest Read(JsonElement body, bool isChat, string ownModel)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("the body is not an object");
        }

        try
        {
            var prompt = Field(body, isChat ? "messages" : "prompt") ?? throw new FormatException($"'{(isChat ? "messages" : "prompt")}' is missing");
            if (isChat && prompt.ValueKind != JsonValueKind.Array)
            {
                throw new FormatException("'messages' is not an array");
            }

            var options = Field(body, "stream_options");
            return new CompletionRequest(
                isChat,
                Field(body, "model")?.GetString() ?? ownModel,
                Field(body, "stream")?.GetBoolean() ?? false,
                options is { } o && (Field(o, "include_usage")?.GetBoolean() ?? false),
                (Field(body, "max_completion_tokens") ?? Field(body, "max_tokens"))?.GetInt32(),
                Field(body, "tools") is { ValueKind: JsonValueKind.Array } tools && tools.GetArrayLength() > 0 ? tools[0].GetProperty("function").GetProperty("name").GetString() : null,
                Words(prompt));
        }
        catch (Exception error) when (error is InvalidOperationException or KeyNotFoundException)
        {
            throw new FormatException("a field has the wrong type", error);
        }
    }

    // An explicit null is as good as nothing: several clients send every field they know.
    private static JsonElement? Field(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static int Words(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString()!.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length,
        JsonValueKind.Number => 1,
        JsonValueKind.Array => element.EnumerateArray().Sum(Words),
        JsonValueKind.Object => element.EnumerateObject().Where(p => p.Name is "content" or "text").Sum(p => Words(p.Value)),
        _ => 0,
    };
}
