using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>What the events of a stream said so far, as far as the gateway must know it.</summary>
internal struct StreamFacts
{
    private static readonly SearchValues<byte> WordCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"u8);

    private TokenCounts _counts;

    /// <summary>Whether the stream said that it is complete: a finish reason, <c>[DONE]</c>, or the last event of its dialect.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Whether a choice has said why it ended.</summary>
    public bool HasFinishReason { get; private set; }

    /// <summary>Whether <c>[DONE]</c> has passed.</summary>
    public bool IsDone { get; private set; }

    /// <summary>What the answer cost, as far as the engine said.</summary>
    public readonly TokenCounts Counts => _counts;

    /// <summary>Tokens of the prompt, if the engine said.</summary>
    public readonly int? PromptTokens => _counts.PromptTokens;

    /// <summary>Tokens of the answer, if the engine said.</summary>
    public readonly int? CompletionTokens => _counts.CompletionTokens;

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
            _counts.NoteUsage(ref json);
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
            _counts.NoteTimings(ref json);
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
                _counts.NoteUsage(ref json);
            }
            else if (json.ValueTextEquals("timings"u8))
            {
                json.Read();
                _counts.NoteTimings(ref json);
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
                _counts.NoteUsage(ref json);
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
}
