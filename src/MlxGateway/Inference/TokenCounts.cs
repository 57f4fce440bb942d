using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>What an answer cost, in whatever words its engine and its dialect have for it.</summary>
internal struct TokenCounts
{
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

    /// <summary>Reads a <c>timings</c> object, as llama-server and mlx_vlm have it. The reader is moved to its end.</summary>
    public void NoteTimings(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        // prompt_n leaves out what was still in the cache.
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

    /// <summary>Reads a <c>usage</c> object. The reader is moved to its end.</summary>
    public void NoteUsage(ref Utf8JsonReader json)
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
