using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;

namespace MlxGateway.ToolCalls;

/// <summary>Turns the calls that an engine left in the text of an answer into <c>tool_calls</c>, with their ids, and the finish reason into the one that says so.</summary>
/// <param name="newReader">A reader of the form that the model writes its calls in, for each choice.</param>
/// <param name="isParallel">Whether more than one call is wanted.</param>
/// <param name="model">The model's name, for an event of our own.</param>
internal sealed class CallsInText(Func<ICallReader> newReader, bool isParallel, string model) : IAnswerFilter
{
    // More than anybody asks for; a runner must not make the gateway remember any number.
    private const int MostChoices = 128;

    private readonly Dictionary<int, ChoiceText> _choices = [];
    private EventEditor? _editor;
    private ChunkHead _head;
    private bool _isDone;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        if (_isDone)
        {
            return events;
        }

        var done = EventLines.IndexOfDone(events.Span);
        var before = done < 0 ? events : events[..done];
        _head.Note(before.Span);
        var edited = (_editor ??= new EventEditor((data, edits) => Edit(data, edits, isWhole: false))).EditEvents(before);
        if (done < 0)
        {
            return edited;
        }

        _isDone = true;
        var owed = FinishEvents();
        if (owed.IsEmpty && edited.Equals(before))
        {
            return events;
        }

        var whole = new ArrayBufferWriter<byte>(events.Length + 256);
        whole.Write(edited.Span);
        whole.Write(owed.Span);
        whole.Write(events.Span[done..]);
        return whole.WrittenMemory;
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FinishEvents()
    {
        var last = new ArrayBufferWriter<byte>();
        foreach (var (index, choice) in _choices.Where(static each => each.Value.OwesAnEnd).OrderBy(static each => each.Key))
        {
            _head.BeginEvent(last, StreamShape.Chat, model);
            last.Write(",\"choices\":[{\"index\":"u8);
            last.Write(JsonSerializer.SerializeToUtf8Bytes(index));
            last.Write(",\"delta\":{\"content\":"u8);
            CallJson.WriteText(last, choice.Flush());
            if (choice.TakeCalls(isWhole: false) is { Length: > 0 } calls)
            {
                last.Write(",\"tool_calls\":"u8);
                last.Write(calls);
            }

            last.Write(choice.HasCalls ? "},\"finish_reason\":\"tool_calls\"}]}\n\n"u8 : "},\"finish_reason\":null}]}\n\n"u8);
        }

        return last.WrittenMemory;
    }

    /// <inheritdoc/>
    public string? FinishReason => _choices.Values.Any(static choice => choice.HasCalls) ? "tool_calls" : null;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) => new EventEditor((data, edits) => Edit(data, edits, isWhole: true)).EditBody(body);

    private void Edit(ReadOnlySpan<byte> bytes, DataEdits edits, bool isWhole)
    {
        try
        {
            // What is no JSON as a whole passes as it is, and must not be taken for the half of it.
            var json = new Utf8JsonReader(bytes);
            for (var all = json; all.Read();)
            {
            }

            var isChoice = ChoicePlaces.TryFindFirst(ref json);
            while (isChoice)
            {
                var choice = ChoicePlaces.Read(ref json);
                if (!choice.HasCalls && ChoiceAt(choice.Index) is { } text)
                {
                    text.Edit(bytes, choice, isWhole, edits);
                }

                isChoice = json.Read() && json.TokenType == JsonTokenType.StartObject;
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
    }

    private ChoiceText? ChoiceAt(int index)
    {
        if (!_choices.TryGetValue(index, out var choice) && _choices.Count < MostChoices)
        {
            _choices[index] = choice = new ChoiceText(newReader(), isParallel);
        }

        return choice;
    }
}
