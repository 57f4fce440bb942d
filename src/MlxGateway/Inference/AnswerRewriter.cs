using System.Text;
using System.Text.Json;
using MlxGateway.Inference.Answers;
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
    private EventEditor? _editor;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events) => (_editor ??= new EventEditor(Edit)).EditEvents(events);

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) => (_editor ??= new EventEditor(Edit)).EditBody(body);

    // The edits of one JSON object, in order; none if it is no JSON.
    private void Edit(ReadOnlySpan<byte> bytes, DataEdits edits)
    {
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
                        edits.Put((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex), _asked);
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
                        edits.Put(found.End, 0, ",\"reasoning_content\":"u8);
                        edits.Put(found.End, 0, bytes[found.Start..found.End]);
                    }

                    inMessage = false;
                }
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
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
