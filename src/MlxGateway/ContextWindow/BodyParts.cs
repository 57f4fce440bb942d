using System.Buffers;
using System.Text;
using System.Text.Json;
using MlxGateway.Inference;

namespace MlxGateway.ContextWindow;

/// <summary>Makes new bodies of the parts of one: the client's bytes as they are, and the summary between them.</summary>
internal static class BodyParts
{
    private const string Introduction = "[The earlier part of this conversation was too long for the context and is summarised here.]\n";

    /// <summary>The body with a summary in the place of older messages.</summary>
    /// <param name="body">The body.</param>
    /// <param name="parts">Where its parts lie.</param>
    /// <param name="replaced">How many messages at the beginning are replaced; the instructions among them stay.</param>
    /// <param name="summary">What is said in their place.</param>
    public static byte[] Compacted(in ReadOnlySequence<byte> body, Conversation parts, int replaced, string summary)
    {
        var messages = parts.Messages;
        var made = new ArrayBufferWriter<byte>();
        Copy(body, 0, messages[0].Start, made);
        for (var i = 0; i < replaced; i++)
        {
            if (messages[i].Speaker == Speaker.System)
            {
                Copy(body, messages[i].Start, messages[i].End, made);
                made.Write(","u8);
            }
        }

        made.Write("{\"role\":\"user\",\"content\":"u8);
        made.Write(JsonSerializer.SerializeToUtf8Bytes(Introduction + summary));
        made.Write("}"u8);
        if (replaced < messages.Count)
        {
            made.Write(","u8);
            Copy(body, messages[replaced].Start, messages[^1].End, made);
        }

        Copy(body, messages[^1].End, body.Length, made);
        return made.WrittenSpan.ToArray();
    }

    /// <summary>What an engine is asked that counts: messages, tools and what the template takes, without the images' data.</summary>
    public static byte[] ToCount(in ReadOnlySequence<byte> body, Conversation parts)
    {
        var made = new ArrayBufferWriter<byte>();
        made.Write("{"u8);
        foreach (var (name, start, end) in parts.Parts)
        {
            made.Write(Encoding.UTF8.GetBytes($"\"{name}\":"));
            Copy(body, start, end, made);
            made.Write(","u8);
        }

        if (parts.Messages.Count > 0)
        {
            made.Write("\"messages\":["u8);
            var at = parts.Messages[0].Start;
            foreach (var image in parts.Images)
            {
                // One pixel, for those that look into it.
                Copy(body, at, image.Start, made);
                made.Write("\"data:image/gif;base64,R0lGODlhAQABAIAAAP///wAAACH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==\""u8);
                at = image.End;
            }

            Copy(body, at, parts.Messages[^1].End, made);
            made.Write("],"u8);
        }

        // A last member, so that every one before it may end with a comma.
        made.Write("\"add_generation_prompt\":true}"u8);
        return made.WrittenSpan.ToArray();
    }

    /// <summary>A message as a person would read it, for the summary: who says it, its texts, and the calls in it.</summary>
    public static string ToTranscript(in ReadOnlySequence<byte> message)
    {
        try
        {
            return Transcribe(message);
        }
        catch (InvalidOperationException)
        {
            return ""; // an escape that stands for no character; nobody can read it
        }
    }

    private static string Transcribe(in ReadOnlySequence<byte> message)
    {
        using var document = JsonDocument.Parse(message, new JsonDocumentOptions { MaxDepth = TopLevelFields.MaxDepth });
        var text = new StringBuilder();
        if (document.RootElement is not { ValueKind: JsonValueKind.Object } root)
        {
            return "";
        }

        // The items of a response's input that are no messages.
        switch (Text(root, "type"))
        {
            case "reasoning":
                return "";
            case { } call when call.EndsWith("_call", StringComparison.Ordinal):
                return $"[calls {Text(root, "name") ?? call}({Text(root, "arguments") ?? Text(root, "input")})]\n";
            case { } result when result.EndsWith("_output", StringComparison.Ordinal):
                text.Append("[result: ");
                if (root.TryGetProperty("output", out var output))
                {
                    AppendContent(text, output);
                }

                return text.Append("]\n").ToString();
        }

        text.Append(Text(root, "role") ?? "user").Append(": ");
        if (root.TryGetProperty("content", out var content))
        {
            AppendContent(text, content);
        }

        if (root.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array)
        {
            foreach (var call in calls.EnumerateArray())
            {
                if (call.ValueKind == JsonValueKind.Object && call.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object)
                {
                    text.Append("\n[calls ").Append(Text(function, "name")).Append('(').Append(Text(function, "arguments")).Append(")]");
                }
            }
        }

        return text.Append('\n').ToString();
    }

    private static void AppendContent(StringBuilder text, JsonElement content)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            text.Append(content.GetString());
        }
        else if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in content.EnumerateArray())
            {
                text.Append(part.ValueKind == JsonValueKind.String ? part.GetString() : part.ValueKind != JsonValueKind.Object ? "" : Text(part, "text") ?? InWords(part));
            }
        }
    }

    // Calls and results as Anthropic's dialect writes them; a thought is nothing that was said.
    private static string InWords(JsonElement part)
    {
        switch (Text(part, "type"))
        {
            case "tool_use":
                return $"\n[calls {Text(part, "name")}({Text(part, "input")})]";
            case "tool_result":
                var result = new StringBuilder();
                if (part.TryGetProperty("content", out var content))
                {
                    AppendContent(result, content);
                }

                return $"\n[result: {result}]";
            case "thinking" or "redacted_thinking":
                return "";
            default:
                return "[an image or a file]";
        }
    }

    private static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText() : null;

    private static void Copy(in ReadOnlySequence<byte> body, long start, long end, ArrayBufferWriter<byte> to)
    {
        foreach (var block in body.Slice(start, end - start))
        {
            to.Write(block.Span);
        }
    }
}
