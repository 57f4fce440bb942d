using System.Text.Json;

namespace MlxGateway.DemoRunner;

/// <summary>The JSON of one completion, whole and in chunks, as chat and as text completion.</summary>
internal sealed class CompletionFormat(CompletionRequest request, long created, bool callsTool)
{
    private readonly string _id = $"{(request.IsChat ? "chatcmpl" : "cmpl")}-{Guid.NewGuid():N}";
    private bool _introduced;

    /// <summary>A chunk with the next piece of text, or of a tool call's arguments.</summary>
    public byte[] Chunk(string piece)
    {
        var first = !_introduced;
        _introduced = true;
        return Event(json => Choice(json, null, () =>
        {
            if (!request.IsChat)
            {
                json.WriteString("text", piece);
                return;
            }

            json.WriteStartObject("delta");
            if (first)
            {
                json.WriteString("role", "assistant");
            }

            Said(json, piece, withName: first);
            json.WriteEndObject();
        }));
    }

    /// <summary>The chunk that says why it ended.</summary>
    public byte[] Finish(string reason) => Event(json => Choice(json, reason, () =>
    {
        if (!request.IsChat)
        {
            json.WriteString("text", "");
            return;
        }

        json.WriteStartObject("delta");
        json.WriteEndObject();
    }));

    /// <summary>The chunk with the usage, which has no choices.</summary>
    public byte[] UsageChunk(int tokens) => Event(json =>
    {
        json.WriteStartArray("choices");
        json.WriteEndArray();
        Usage(json, tokens);
    });

    /// <summary>The whole answer.</summary>
    public byte[] Whole(string text, int tokens, string reason) => Json.Write(json =>
    {
        Head(json, chunk: false);
        Choice(json, reason, () =>
        {
            if (!request.IsChat)
            {
                json.WriteString("text", text);
                return;
            }

            json.WriteStartObject("message");
            json.WriteString("role", "assistant");
            Said(json, text, withName: true);
            json.WriteEndObject();
        });
        Usage(json, tokens);
    });

    private byte[] Event(Action<Utf8JsonWriter> members) =>
        [.. "data: "u8, .. Json.Write(json =>
        {
            Head(json, chunk: true);
            members(json);
        }), .. "\n\n"u8];

    private void Head(Utf8JsonWriter json, bool chunk)
    {
        json.WriteString("id", _id);
        json.WriteString("object", request.IsChat ? chunk ? "chat.completion.chunk" : "chat.completion" : "text_completion");
        json.WriteNumber("created", created);
        json.WriteString("model", request.Model);
    }

    private static void Choice(Utf8JsonWriter json, string? reason, Action content)
    {
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        content();
        json.WriteString("finish_reason", reason);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private void Said(Utf8JsonWriter json, string text, bool withName)
    {
        if (!callsTool)
        {
            json.WriteString("content", text);
            return;
        }

        json.WriteStartArray("tool_calls");
        json.WriteStartObject();
        json.WriteNumber("index", 0);
        if (withName)
        {
            json.WriteString("id", "call_demo");
            json.WriteString("type", "function");
        }

        json.WriteStartObject("function");
        if (withName)
        {
            json.WriteString("name", request.FirstTool);
        }

        json.WriteString("arguments", text);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private void Usage(Utf8JsonWriter json, int tokens)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", request.PromptTokens);
        json.WriteNumber("completion_tokens", tokens);
        json.WriteNumber("total_tokens", request.PromptTokens + tokens);
        json.WriteEndObject();
    }
}
