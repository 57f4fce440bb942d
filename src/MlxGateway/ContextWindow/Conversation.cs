using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference;

namespace MlxGateway.ContextWindow;

/// <summary>Whose message it is, as far as that decides what may become of it.</summary>
internal enum Speaker
{
    /// <summary>The user's, or whose nobody knows.</summary>
    User,

    /// <summary>The instructions: never touched.</summary>
    System,

    /// <summary>The model's.</summary>
    Assistant,

    /// <summary>The result of a call that a message before it made.</summary>
    Tool,

    /// <summary>A call by itself, or a thought: what comes before the results that belong to it, or before other calls of the same turn.</summary>
    Call,
}

/// <summary>One message of a body.</summary>
/// <param name="Start">Where it begins.</param>
/// <param name="End">Where it ends.</param>
/// <param name="Speaker">Whose it is.</param>
internal readonly record struct MessageSpan(long Start, long End, Speaker Speaker);

/// <summary>An image in a body: the bytes of its address, quotes included, and what it counts.</summary>
internal readonly record struct ImageSpan(long Start, long End, int Tokens);

/// <summary>A field that caps the answer.</summary>
internal readonly record struct CapSpan(long Offset, long Length, long Tokens);

/// <summary>Where the parts of a body lie that decide how long it is. Found in one pass; nothing of it is copied.</summary>
internal sealed class Conversation
{
    /// <summary>Its messages in their order; of <c>/v1/responses</c> the items of its input.</summary>
    public List<MessageSpan> Messages { get; } = [];

    /// <summary>The images in it.</summary>
    public List<ImageSpan> Images { get; } = [];

    /// <summary>The fields that cap the answer.</summary>
    public List<CapSpan> Caps { get; } = [];

    /// <summary>The fields that the prompt is made of beside the messages, with their names.</summary>
    public List<(string Name, long Start, long End)> Parts { get; } = [];

    /// <summary>The bytes of the body without its images.</summary>
    public long TextBytes { get; private set; }

    /// <summary>What its images count.</summary>
    public int ImagesCount => Images.Sum(i => i.Tokens);

    /// <summary>The smallest cap; null: there is none.</summary>
    public long? Cap => Caps.Count == 0 ? null : Caps.Min(c => c.Tokens);

    /// <summary>Finds the parts of a body that was checked before.</summary>
    /// <param name="body">The body.</param>
    /// <param name="skipped">How many bytes of it are a byte order mark.</param>
    /// <param name="shape">The dialect: where its messages are.</param>
    /// <param name="architecture">The model's, for its images.</param>
    /// <returns>Null: a name in it holds an escape that stands for no character, and whoever reads it will say so.</returns>
    public static Conversation? TryRead(in ReadOnlySequence<byte> body, int skipped, StreamShape shape, string? architecture)
    {
        try
        {
            return Read(body, skipped, shape == StreamShape.Responses ? "input"u8 : "messages"u8, architecture);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static Conversation Read(in ReadOnlySequence<byte> body, int skipped, ReadOnlySpan<byte> messages, string? architecture)
    {
        var found = new Conversation { TextBytes = body.Length };
        var json = new Utf8JsonReader(body.Slice(skipped), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isMessages = json.ValueTextEquals(messages);
            var isCap = json.ValueTextEquals("max_tokens"u8) || json.ValueTextEquals("max_completion_tokens"u8) || json.ValueTextEquals("max_output_tokens"u8);
            var part = json.ValueTextEquals("tools"u8) ? "tools" : json.ValueTextEquals("chat_template_kwargs"u8) ? "chat_template_kwargs" : json.ValueTextEquals("prompt"u8) ? "prompt" : null;
            json.Read();
            var start = skipped + json.TokenStartIndex;
            if (isMessages && json.TokenType == JsonTokenType.StartArray)
            {
                found.ReadMessages(ref json, body, skipped, architecture);
                continue;
            }

            if (isCap && json.TokenType == JsonTokenType.Number && json.TryGetInt64(out var cap))
            {
                found.Caps.Add(new CapSpan(start, skipped + json.BytesConsumed - start, cap));
            }

            json.Skip();
            if (part is not null)
            {
                found.Parts.Add((part, start, skipped + json.BytesConsumed));
            }
        }

        return found;
    }

    private void ReadMessages(ref Utf8JsonReader json, in ReadOnlySequence<byte> body, int skipped, string? architecture)
    {
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var start = skipped + json.TokenStartIndex;
            var (speaker, hasResult) = (Speaker.User, false);
            if (json.TokenType == JsonTokenType.StartObject)
            {
                var depth = json.CurrentDepth;
                while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
                {
                    if (json.ValueTextEquals("role"u8))
                    {
                        json.Read();
                        speaker = json.TokenType == JsonTokenType.String ? SpeakerOf(ref json) : Speaker.User;
                        json.Skip();
                    }
                    else if (json.ValueTextEquals("type"u8))
                    {
                        json.Read();
                        speaker = json.TokenType == JsonTokenType.String && ItemSpeakerOf(ref json) is { } item ? item : speaker;
                        json.Skip();
                    }
                    else if (json.ValueTextEquals("content"u8))
                    {
                        json.Read();
                        hasResult |= ReadParts(ref json, body, skipped, architecture);
                    }
                    else
                    {
                        json.Skip();
                    }
                }

                System.Diagnostics.Debug.Assert(json.CurrentDepth == depth, "A message ends where it began.");
            }
            else
            {
                json.Skip();
            }

            Messages.Add(new MessageSpan(start, skipped + json.BytesConsumed, hasResult ? Speaker.Tool : speaker));
        }
    }

    // Any address of data in the parts of a message is an image or a sound; it is not text whatever its part is called. True: a part is the result of a call, which Anthropic's dialect has the user bring.
    private bool ReadParts(ref Utf8JsonReader json, in ReadOnlySequence<byte> body, int skipped, string? architecture)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        var depth = json.CurrentDepth;
        var (isAddress, isType, hasResult) = (false, false, false);
        while (json.Read() && json.CurrentDepth > depth)
        {
            if (json.TokenType == JsonTokenType.PropertyName)
            {
                isAddress = json.ValueTextEquals("url"u8) || json.ValueTextEquals("image_url"u8);
                isType = json.CurrentDepth == depth + 2 && json.ValueTextEquals("type"u8);
            }
            else if (isType && json.TokenType == JsonTokenType.String)
            {
                hasResult |= json.ValueTextEquals("tool_result"u8);
                isType = false;
            }
            else if (isAddress && json.TokenType == JsonTokenType.String)
            {
                var (start, end) = (skipped + json.TokenStartIndex, skipped + json.BytesConsumed);
                var value = body.Slice(start + 1, Math.Min(end - start - 2, 1 << 17));
                var (width, height) = ImageTokens.SizeOf(value.IsSingleSegment ? value.FirstSpan : value.ToArray());
                var tokens = ImageTokens.For(architecture, width, height);
                Images.Add(new ImageSpan(start, end, tokens));
                TextBytes -= end - start - 2;
            }
        }

        return hasResult;
    }

    // Only the items of a response's input that are no messages have such a type: calls, their results, thoughts.
    private static Speaker? ItemSpeakerOf(ref Utf8JsonReader json)
    {
        Span<byte> type = stackalloc byte[64];
        if ((json.HasValueSequence ? json.ValueSequence.Length : json.ValueSpan.Length) > type.Length)
        {
            return null;
        }

        type = type[..json.CopyString(type)];
        return type.EndsWith("_output"u8) ? Speaker.Tool : type.EndsWith("_call"u8) || type.SequenceEqual("reasoning"u8) ? Speaker.Call : null;
    }

    private static Speaker SpeakerOf(ref Utf8JsonReader json) =>
        json.ValueTextEquals("system"u8) || json.ValueTextEquals("developer"u8) ? Speaker.System
        : json.ValueTextEquals("assistant"u8) ? Speaker.Assistant
        : json.ValueTextEquals("tool"u8) || json.ValueTextEquals("function"u8) ? Speaker.Tool
        : Speaker.User;
}
