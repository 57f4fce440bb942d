using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>What the events of a stream said so far, as far as the gateway must know it.</summary>
internal struct StreamFacts
{
    /// <summary>Whether the stream said that it is complete: a finish reason, <c>[DONE]</c>, or the last event of its dialect.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether a choice has said why it ended.</summary>
    public bool HasFinishReason { get; private set; }

    /// <summary>Whether <c>[DONE]</c> has passed.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Tokens of the prompt, if the engine said.</summary>
    public int? PromptTokens { get; private set; }

    /// <summary>Tokens of the answer, if the engine said.</summary>
    public int? CompletionTokens { get; private set; }

    /// <summary>Looks at one whole event. Returns the engine's message if the event is an error.</summary>
    public string? Note(ReadOnlySpan<byte> streamEvent)
    {
        string? error = null;
        foreach (var range in streamEvent.Split((byte)'\n'))
        {
            var line = streamEvent[range];
            if (line.StartsWith("data:"u8))
            {
                error ??= NoteData(line[5..].Trim((byte)' ').TrimEnd((byte)'\r'));
            }
        }

        return error;
    }

    /// <summary>Looks at a JSON object: an event's data, or the whole body of an answer that was not streamed.</summary>
    public string? NoteJson(ReadOnlySpan<byte> data)
    {
        var before = this;
        try
        {
            var json = new Utf8JsonReader(data);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            var error = NoteObject(ref json);
            json.Read(); // throws if anything follows
            return error;
        }
        catch (Exception broken) when (IsNotJson(broken))
        {
            // Not ours to judge: the client gets it as it is. But half an event proves nothing, least of all that the answer is complete.
            this = before;
            return null;
        }
    }

    /// <summary>Reads token counts from bytes that begin with a <c>usage</c> object; what follows it does not matter.</summary>
    public void NoteUsage(ReadOnlySpan<byte> usage)
    {
        try
        {
            var json = new Utf8JsonReader(usage);
            json.Read();
            NoteUsage(ref json);
        }
        catch (Exception broken) when (IsNotJson(broken))
        {
        }
    }

    // The second is the reader's word for an escape such as \ud800 that stands for no character.
    private static bool IsNotJson(Exception exception) => exception is JsonException or InvalidOperationException;

    private string? NoteData(ReadOnlySpan<byte> data)
    {
        if (data.SequenceEqual("[DONE]"u8))
        {
            IsComplete = IsDone = true;
            return null;
        }

        return NoteJson(data);
    }

    private string? NoteObject(ref Utf8JsonReader json)
    {
        string? error = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("choices"u8))
            {
                json.Read();
                NoteChoices(ref json);
            }
            else if (json.ValueTextEquals("usage"u8))
            {
                json.Read();
                NoteUsage(ref json);
            }
            else if (json.ValueTextEquals("timings"u8))
            {
                json.Read();
                NoteTimings(ref json);
            }
            else if (json.ValueTextEquals("type"u8))
            {
                // Each is the last event of a dialect: of /v1/responses, and of /v1/messages.
                json.Read();
                IsComplete |= json.TokenType == JsonTokenType.String
                    && (json.ValueTextEquals("response.completed"u8) || json.ValueTextEquals("response.incomplete"u8) || json.ValueTextEquals("message_stop"u8));
            }
            else if (json.ValueTextEquals("response"u8) || json.ValueTextEquals("message"u8))
            {
                json.Read();
                error = NoteInner(ref json) ?? error;
            }
            else if (json.ValueTextEquals("error"u8))
            {
                json.Read();
                error = json.TokenType == JsonTokenType.Null ? error : RunnerError.MessageOf(ref json); // some engines write a null into every event
            }
            else
            {
                json.Skip();
            }
        }

        return error;
    }

    private void NoteChoices(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            json.Skip();
            return;
        }

        var depth = json.CurrentDepth;
        while (json.Read() && !(json.TokenType == JsonTokenType.EndArray && json.CurrentDepth == depth))
        {
            // Inside each choice only its own fields count: a tool call's arguments may spell anything.
            if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == depth + 2)
            {
                var isReason = json.ValueTextEquals("finish_reason"u8);
                json.Read();
                if (isReason && json.TokenType == JsonTokenType.String)
                {
                    IsComplete = HasFinishReason = true;
                }

                json.Skip();
            }
        }
    }

    // The response of an event of /v1/responses, the message of one of /v1/messages; a text in an error.
    private string? NoteInner(ref Utf8JsonReader json)
    {
        string? error = null;
        if (json.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isUsage, isError) = (json.ValueTextEquals("usage"u8), json.ValueTextEquals("error"u8));
            json.Read();
            if (isUsage)
            {
                NoteUsage(ref json);
            }
            else if (isError && json.TokenType != JsonTokenType.Null)
            {
                error = RunnerError.MessageOf(ref json);
            }
            else
            {
                json.Skip();
            }
        }

        return error;
    }

    // Of llama-server; its prompt_n leaves out what it still had in its cache.
    private void NoteTimings(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        int? fresh = null;
        var cached = 0;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isFresh, isCached, isAnswer) = (json.ValueTextEquals("prompt_n"u8), json.ValueTextEquals("cache_n"u8), json.ValueTextEquals("predicted_n"u8));
            json.Read();
            if (json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var count))
            {
                fresh = isFresh ? count : fresh;
                cached = isCached ? count : cached;
                CompletionTokens = isAnswer ? count : CompletionTokens;
            }

            json.Skip();
        }

        PromptTokens = fresh + cached ?? PromptTokens;
    }

    private void NoteUsage(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isPrompt = json.ValueTextEquals("prompt_tokens"u8) || json.ValueTextEquals("input_tokens"u8);
            var isCompletion = json.ValueTextEquals("completion_tokens"u8) || json.ValueTextEquals("output_tokens"u8);
            json.Read();
            if ((isPrompt || isCompletion) && json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var count))
            {
                PromptTokens = isPrompt ? count : PromptTokens;
                CompletionTokens = isCompletion ? count : CompletionTokens;
            }

            json.Skip();
        }
    }
}
