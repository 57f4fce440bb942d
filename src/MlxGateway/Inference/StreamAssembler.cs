using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MlxGateway.Inference;

/// <summary>
/// Turns the events of a chat or text completion stream into the one body that the same request would have had without <c>stream</c>. Pure: it is given bytes
/// and gives bytes. What it does not know is kept: of the last event that has it.
/// </summary>
internal sealed class StreamAssembler
{
    private static readonly HashSet<string> FirstOfBody = ["id", "object", "created", "model", "system_fingerprint"];

    private readonly JoinedFields _body = new(new HashSet<string>(), FirstOfBody);
    private readonly SortedDictionary<int, AssembledChoice> _choices = [];
    private readonly ArrayBufferWriter<byte> _data = new();
    private bool _isDone;
    private bool _isBroken;
    private bool _isTaken;

    /// <summary>How JSON is written: readable, but for what lies beyond the first 65536 characters.</summary>
    internal static JsonSerializerOptions Format { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Adds one or more whole events. Never throws: an event that is no JSON or says that the engine failed makes the answer incomplete for good.</summary>
    public void Add(ReadOnlySpan<byte> events)
    {
        foreach (var range in events.Split((byte)'\n'))
        {
            var line = events[range].TrimEnd((byte)'\r');
            if (line.IsEmpty)
            {
                EndEvent();
            }
            else if (line.StartsWith("data:"u8))
            {
                if (_data.WrittenCount > 0)
                {
                    _data.Write("\n"u8);
                }

                _data.Write(line[5..].TrimStart((byte)' '));
            }
        }

        EndEvent();
    }

    /// <summary>The body, if the stream said that it is complete: <c>[DONE]</c>, or a finish reason in each choice. Gives it once.</summary>
    /// <param name="body">UTF-8 JSON; empty if there is none.</param>
    public bool TryComplete(out ReadOnlyMemory<byte> body)
    {
        body = default;
        if (_isBroken || _isTaken || _choices.Count == 0 || !(_isDone || _choices.Values.All(static c => c.IsFinished)))
        {
            return false;
        }

        _isTaken = true;
        try
        {
            body = Write();
            return true;
        }
        catch (Exception broken) when (IsNotJson(broken))
        {
            return false;
        }
    }

    // The second is the word for an escape that is no character, the third for a name that is there twice.
    private static bool IsNotJson(Exception exception) => exception is JsonException or InvalidOperationException or ArgumentException;

    private ReadOnlyMemory<byte> Write()
    {
        var whole = _body.Take();
        whole["choices"] = new JsonArray([.. _choices.Values.Select(static c => c.Take())]);
        if (whole["object"] is JsonValue kind && kind.TryGetValue<string>(out var name) && name == "chat.completion.chunk")
        {
            whole["object"] = "chat.completion";
        }

        var bytes = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Encoder = Format.Encoder });
        whole.WriteTo(writer);
        writer.Flush();
        return bytes.WrittenMemory;
    }

    private void EndEvent()
    {
        if (_data.WrittenCount == 0)
        {
            return;
        }

        if (_data.WrittenSpan.SequenceEqual("[DONE]"u8))
        {
            _isDone = true;
        }
        else
        {
            try
            {
                AddChunk(JsonNode.Parse(_data.WrittenSpan));
            }
            catch (Exception broken) when (IsNotJson(broken))
            {
                _isBroken = true;
            }
        }

        _data.ResetWrittenCount();
    }

    private void AddChunk(JsonNode? chunk)
    {
        if (chunk is not JsonObject fields || fields["error"] is not null)
        {
            _isBroken = true;
            return;
        }

        foreach (var (name, value) in fields)
        {
            if (name != "choices")
            {
                _body.Add(name, value);
                continue;
            }

            _body.Add(name, null); // its place
            foreach (var piece in (value as JsonArray ?? []).OfType<JsonObject>())
            {
                ChoiceAt(piece["index"] is JsonValue index && index.TryGetValue<int>(out var number) ? number : 0).Add(piece);
            }
        }
    }

    private AssembledChoice ChoiceAt(int index)
    {
        if (!_choices.TryGetValue(index, out var choice))
        {
            _choices[index] = choice = new AssembledChoice(index);
        }

        return choice;
    }
}
