using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>What the events of a stream said so far, as far as the gateway must know it.</summary>
internal struct StreamFacts
{
    private static readonly SearchValues<byte> WordCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"u8);

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

    /// <summary>Of the prompt's tokens those that the engine still had from before, if it said.</summary>
    public int? CachedTokens { get; private set; }

    /// <summary>How many tokens of the prompt the engine read in a second, if it said.</summary>
    public double? PromptSpeed { get; private set; }

    /// <summary>How many tokens the engine wrote in a second, if it said.</summary>
    public double? Speed { get; private set; }

    /// <summary>Why the answer ended, in the engine's word for it.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>Whether a piece of the answer itself has passed: a text, a thought or a call. What comes before is courtesy.</summary>
    public bool HasAnswer { get; private set; }

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

    /// <summary>Reads counts and speeds from bytes that begin with a <c>timings</c> object; what follows it does not matter.</summary>
    public void NoteTimings(ReadOnlySpan<byte> timings)
    {
        try
        {
            var json = new Utf8JsonReader(timings);
            json.Read();
            NoteTimings(ref json);
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
        var isError = false;
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
                json.Read();
                isError |= NoteType(json);
            }
            else if (json.ValueTextEquals("response"u8) || json.ValueTextEquals("delta"u8))
            {
                json.Read();
                error = NoteInner(ref json) ?? error;
            }
            else if (json.ValueTextEquals("message"u8))
            {
                // In an event of /v1/messages an object; in an error of /v1/responses its text.
                json.Read();
                error = json.TokenType == JsonTokenType.String && isError ? json.GetString() : NoteInner(ref json) ?? error;
            }
            else if (json.ValueTextEquals("stop_reason"u8))
            {
                json.Read();
                NoteReason(json);
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

        return error ?? (isError ? "the runner gave no reason" : null);
    }

    // True: the event is an error. The last events of /v1/responses and /v1/messages say that they are.
    private bool NoteType(in Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.String)
        {
            return false;
        }

        IsComplete |= json.ValueTextEquals("response.completed"u8) || json.ValueTextEquals("response.incomplete"u8) || json.ValueTextEquals("message_stop"u8);
        HasAnswer = HasAnswer || json.ValueTextEquals("content_block_delta"u8) || (json.ValueSpan.StartsWith("response."u8) && json.ValueSpan.EndsWith(".delta"u8));
        return json.ValueTextEquals("error"u8);
    }

    private void NoteReason(in Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.String)
        {
            FinishReason = json.ValueTextEquals("stop"u8) ? "stop"
                : json.ValueTextEquals("tool_calls"u8) ? "tool_calls"
                : json.ValueTextEquals("length"u8) ? "length"
                : IsWord(json.ValueSpan) ? Encoding.ASCII.GetString(json.ValueSpan)
                : "other"; // it goes into logs
        }
    }

    private static bool IsWord(ReadOnlySpan<byte> text) => text.Length is > 0 and <= 32 && !text.ContainsAnyExcept(WordCharacters);

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
                var mayBeAnswer = !HasAnswer && (json.ValueTextEquals("delta"u8) || json.ValueTextEquals("text"u8));
                json.Read();
                if (isReason && json.TokenType == JsonTokenType.String)
                {
                    IsComplete = HasFinishReason = true;
                    NoteReason(json);
                }

                HasAnswer |= mayBeAnswer && SaysSomething(json);
                json.Skip();
            }
        }
    }

    // The reader is a copy. A delta's role is said before anything is known, and empty texts and lists say nothing.
    private static bool SaysSomething(Utf8JsonReader json)
    {
        if (json.TokenType == JsonTokenType.String)
        {
            return !json.ValueTextEquals(""u8);
        }

        if (json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isRole = json.ValueTextEquals("role"u8);
            json.Read();
            var isText = json.TokenType == JsonTokenType.String && !json.ValueTextEquals(""u8);
            var isList = json.TokenType == JsonTokenType.StartArray && json.Read() && json.TokenType != JsonTokenType.EndArray;
            if (!isRole && (isText || isList))
            {
                return true;
            }

            json.Skip();
        }

        return false;
    }

    // The response of an event of /v1/responses, the message or the delta of one of /v1/messages; a text in an error.
    private string? NoteInner(ref Utf8JsonReader json)
    {
        string? error = null;
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return null;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isUsage, isError, isReason) = (json.ValueTextEquals("usage"u8), json.ValueTextEquals("error"u8), json.ValueTextEquals("stop_reason"u8));
            json.Read();
            if (isReason)
            {
                NoteReason(json);
            }
            else if (isUsage)
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

    // Of llama-server and mlx_vlm; prompt_n leaves out what was still in the cache.
    private void NoteTimings(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        (int? fresh, int? cached) = (null, null);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("prompt_n"u8))
            {
                fresh = CountOf(ref json) ?? fresh;
            }
            else if (json.ValueTextEquals("cache_n"u8))
            {
                cached = CountOf(ref json) ?? cached;
            }
            else if (json.ValueTextEquals("predicted_n"u8))
            {
                CompletionTokens = CountOf(ref json) ?? CompletionTokens;
            }
            else if (json.ValueTextEquals("prompt_per_second"u8))
            {
                PromptSpeed = SpeedOf(ref json) ?? PromptSpeed;
            }
            else if (json.ValueTextEquals("predicted_per_second"u8))
            {
                Speed = SpeedOf(ref json) ?? Speed;
            }
            else
            {
                json.Skip();
            }
        }

        PromptTokens = fresh + (cached ?? 0) ?? PromptTokens;
        CachedTokens = cached ?? CachedTokens;
    }

    private void NoteUsage(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        // Anthropic's input_tokens leave out what was read from a cache or written to it.
        (int? prompt, int? read, int? written) = (null, null, null);
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("prompt_tokens"u8) || json.ValueTextEquals("input_tokens"u8))
            {
                prompt = CountOf(ref json) ?? prompt;
            }
            else if (json.ValueTextEquals("completion_tokens"u8) || json.ValueTextEquals("output_tokens"u8))
            {
                CompletionTokens = CountOf(ref json) ?? CompletionTokens;
            }
            else if (json.ValueTextEquals("cache_read_input_tokens"u8))
            {
                read = CountOf(ref json) ?? read;
            }
            else if (json.ValueTextEquals("cache_creation_input_tokens"u8))
            {
                written = CountOf(ref json) ?? written;
            }
            else if (json.ValueTextEquals("prompt_tokens_details"u8) || json.ValueTextEquals("input_tokens_details"u8))
            {
                NoteDetails(ref json);
            }
            else
            {
                json.Skip();
            }
        }

        PromptTokens = prompt + (read ?? 0) + (written ?? 0) ?? PromptTokens;
        CachedTokens = read ?? CachedTokens;
    }

    private void NoteDetails(ref Utf8JsonReader json)
    {
        json.Read();
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            if (json.ValueTextEquals("cached_tokens"u8))
            {
                CachedTokens = CountOf(ref json) ?? CachedTokens;
            }
            else
            {
                json.Skip();
            }
        }
    }

    // The reader stands on a name, and is moved to the end of its value.
    private static int? CountOf(ref Utf8JsonReader json)
    {
        json.Read();
        int? count = json.TokenType == JsonTokenType.Number && json.TryGetInt32(out var number) ? number : null;
        json.Skip();
        return count;
    }

    private static double? SpeedOf(ref Utf8JsonReader json)
    {
        json.Read();
        double? speed = json.TokenType == JsonTokenType.Number && json.TryGetDouble(out var number) && double.IsFinite(number) && number > 0 ? number : null;
        json.Skip();
        return speed;
    }
}
