using System.Buffers;
using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>Tells work that nobody waits for from what a person asked: the titles, tags and follow-ups that chat pages have written beside every conversation.</summary>
/// <remarks>
/// A header says it for certain: <c>X-Priority: background</c>, or <c>X-Task</c> with the name that Open WebUI has for the task, which is empty for a person's own request. Without one the shape of the body
/// must do: not streamed, no tools, and a single message of the user that begins like Open WebUI's own texts for these three. Others that begin alike are waited for (the search query before an answer, merged
/// answers, what completes a line while it is typed), and so are people whose chat has a file: in doubt it is a person's.
/// </remarks>
internal static class BackgroundWork
{
    // Names of tasks whose answer nobody waits for. A person waits for query_generation, function_calling and moa_response_generation.
    private static readonly string[] Tasks = ["title_generation", "follow_up_generation", "tags_generation", "memory_review"];

    // How the texts begin, behind "### Task:" and a line break; of this version of Open WebUI and of older ones.
    private static readonly byte[][] Beginnings =
    [
        "Generate a concise"u8.ToArray(),
        "Generate 1-3 broad tags"u8.ToArray(),
        "Predict 3-5 useful messages"u8.ToArray(),
        "Suggest 3-5 relevant follow-up"u8.ToArray(),
    ];

    private static ReadOnlySpan<byte> Mark => "### Task:"u8;

    /// <summary>Whether nobody waits for the answer.</summary>
    public static bool Is(IHeaderDictionary headers, InferenceRequest request)
    {
        if (headers.TryGetValue("X-Priority", out var priority) && priority.Count > 0)
        {
            return string.Equals(priority[0], "background", StringComparison.OrdinalIgnoreCase);
        }

        if (headers.TryGetValue("X-Task", out var task))
        {
            return Tasks.Contains(task.ToString(), StringComparer.OrdinalIgnoreCase);
        }

        return request.LooksLikeBackgroundWork();
    }

    /// <summary>Whether the value of <c>messages</c> is one message of the user that begins like one of the known texts.</summary>
    /// <param name="messages">The value, from its first byte on; more may follow.</param>
    public static bool AreOfATask(in ReadOnlySequence<byte> messages)
    {
        try
        {
            var json = new Utf8JsonReader(messages, isFinalBlock: false, default);
            return json.Read() && json.TokenType == JsonTokenType.StartArray
                && json.Read() && json.TokenType == JsonTokenType.StartObject
                && IsTask(ref json)
                && json.Read() && json.TokenType == JsonTokenType.EndArray;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false; // the body was checked before, so this is an escape that stands for no character
        }
    }

    private static bool IsTask(ref Utf8JsonReader json)
    {
        var (isUsers, isTask) = (false, false);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (role, content) = (json.ValueTextEquals("role"u8), json.ValueTextEquals("content"u8));
            if (!json.Read())
            {
                return false;
            }

            if (role)
            {
                isUsers = json.TokenType == JsonTokenType.String && json.ValueTextEquals("user"u8);
            }
            else if (content)
            {
                isTask = json.TokenType == JsonTokenType.String && BeginsLikeATask(json);
            }
            else if (!json.TrySkip())
            {
                return false;
            }
        }

        return isUsers && isTask && json.TokenType == JsonTokenType.EndObject;
    }

    private static bool BeginsLikeATask(in Utf8JsonReader json)
    {
        // A title's text is some kilobytes long; a person's may be anything, and only its beginning is looked at.
        Span<byte> start = stackalloc byte[96];
        var length = json.HasValueSequence ? json.ValueSequence.Slice(0, Math.Min(start.Length, json.ValueSequence.Length)).CopyInto(start) : json.ValueSpan[..Math.Min(start.Length, json.ValueSpan.Length)].CopyInto(start);
        ReadOnlySpan<byte> text = start[..length];
        if (!text.StartsWith(Mark))
        {
            return false;
        }

        // As it stands in the body, where a line break is an escape.
        text = text[Mark.Length..].TrimStart(" "u8);
        while (text.StartsWith("\\n"u8) || text.StartsWith("\\r"u8))
        {
            text = text[2..];
        }

        foreach (var beginning in Beginnings)
        {
            if (text.StartsWith(beginning))
            {
                return true;
            }
        }

        return false;
    }

    private static int CopyInto(this ReadOnlySequence<byte> from, Span<byte> to)
    {
        from.CopyTo(to);
        return (int)from.Length;
    }

    private static int CopyInto(this ReadOnlySpan<byte> from, Span<byte> to)
    {
        from.CopyTo(to);
        return from.Length;
    }
}
