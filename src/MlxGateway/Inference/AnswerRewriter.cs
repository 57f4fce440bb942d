using System.Buffers;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary>Puts right what a runner says of itself: the model's name becomes the one that the client asked for, and thoughts get the second name under which other clients look for them. Everything else stays byte for byte.</summary>
/// <param name="echoed">The name that the runner uses.</param>
/// <param name="asked">The name that the client used.</param>
/// <param name="namesReasoning">Whether thoughts are called <c>reasoning</c> only.</param>
internal sealed class AnswerRewriter(string echoed, string asked, bool namesReasoning) : IAnswerFilter
{
    private readonly byte[] _echoed = Encoding.UTF8.GetBytes(echoed);
    private readonly byte[] _asked = JsonSerializer.SerializeToUtf8Bytes(asked);

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        ArrayBufferWriter<byte>? changed = null;
        var copied = 0;
        var at = 0;
        while (at < events.Length)
        {
            var rest = events.Span[at..];
            var length = rest.IndexOf((byte)'\n') is >= 0 and var feed ? feed + 1 : rest.Length;
            if (rest.StartsWith("data:"u8))
            {
                const int Prefix = 5;
                var edits = EditsOf(rest[Prefix..length]);
                foreach (var (offset, taken, put) in edits)
                {
                    changed ??= new ArrayBufferWriter<byte>(events.Length + 256);
                    changed.Write(events.Span[copied..(at + Prefix + offset)]);
                    changed.Write(put);
                    copied = at + Prefix + offset + taken;
                }
            }

            at += length;
        }

        changed?.Write(events.Span[copied..]);
        return changed?.WrittenMemory ?? events;
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body)
    {
        var edits = EditsOf(body.Span);
        if (edits.Count == 0)
        {
            return body;
        }

        var changed = new ArrayBufferWriter<byte>(body.Length + 256);
        var copied = 0;
        foreach (var (offset, taken, put) in edits)
        {
            changed.Write(body.Span[copied..offset]);
            changed.Write(put);
            copied = offset + taken;
        }

        changed.Write(body.Span[copied..]);
        return changed.WrittenMemory;
    }

    // The edits of one JSON object, in order; none if it is no JSON.
    private List<(int Offset, int Taken, byte[] Put)> EditsOf(ReadOnlySpan<byte> bytes)
    {
        var edits = new List<(int, int, byte[])>(1);
        try
        {
            var json = new Utf8JsonReader(bytes);
            var inChoices = false;
            var inMessage = false;
            var isNamed = false;
            (int Start, int End)? thoughts = null;
            while (json.Read())
            {
                if (json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 1)
                {
                    inChoices = json.ValueTextEquals("choices"u8);
                    if (json.ValueTextEquals("model"u8) && json.Read() && json.TokenType == JsonTokenType.String && json.ValueTextEquals(_echoed))
                    {
                        edits.Add(((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex), _asked));
                    }
                }
                else if (inChoices && json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 3)
                {
                    inMessage = json.ValueTextEquals("delta"u8) || json.ValueTextEquals("message"u8);
                    (thoughts, isNamed) = (null, false);
                }
                else if (inMessage && json.TokenType == JsonTokenType.PropertyName && json.CurrentDepth == 4)
                {
                    isNamed |= json.ValueTextEquals("reasoning_content"u8);
                    if (namesReasoning && json.ValueTextEquals("reasoning"u8) && json.Read() && json.TokenType == JsonTokenType.String)
                    {
                        thoughts = ((int)json.TokenStartIndex, (int)json.BytesConsumed);
                    }
                }
                else if (inMessage && json.TokenType == JsonTokenType.EndObject && json.CurrentDepth == 3)
                {
                    if (thoughts is { } found && !isNamed)
                    {
                        edits.Add((found.End, 0, [.. ",\"reasoning_content\":"u8, .. bytes[found.Start..found.End]]));
                    }

                    inMessage = false;
                }
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return [];
        }

        return edits;
    }
}

/// <summary>Answers of runners that do not speak of the model as the client does.</summary>
internal sealed class AnswerRewriting : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) => lease.Runner.Manners is { EchoedModel: { } echoed } manners
        ? new AnswerRewriter(echoed, exchange.Request.Model ?? lease.Model.Id, manners.NamesReasoning)
        : null;
}
