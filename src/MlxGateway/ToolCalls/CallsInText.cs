using System.Buffers;
using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;

namespace MlxGateway.ToolCalls;

/// <summary>Turns the calls that an engine left in the text of the first choice into <c>tool_calls</c>. Ids and the finish reason are given by the filter of the hub behind it.</summary>
/// <param name="names">The functions that may be called.</param>
internal sealed class CallsInText(IReadOnlySet<string> names) : IAnswerFilter
{
    private readonly HermesScanner _scanner = new(names);
    private readonly List<(string Name, string Arguments)> _calls = [];
    private EventEditor? _editor;
    private ChunkHead _head;
    private int _count;
    private bool _isStream;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        _isStream = true;
        _head.Note(events.Span);
        var edited = (_editor ??= new EventEditor(Edit)).EditEvents(events);
        if (!_scanner.Holds || EventLines.IndexOfDone(edited.Span) is not (>= 0 and var done))
        {
            return edited;
        }

        var whole = new ArrayBufferWriter<byte>(edited.Length + 256);
        whole.Write(edited.Span[..done]);
        whole.Write(FinishEvents().Span);
        whole.Write(edited.Span[done..]);
        return whole.WrittenMemory;
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FinishEvents()
    {
        if (!_scanner.Holds)
        {
            return default;
        }

        var last = new ArrayBufferWriter<byte>(256);
        last.Write("data: {"u8);
        _head.WriteTo(last);
        last.Write("\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"u8);
        last.Write(Text(_scanner.Flush()));
        last.Write("},\"finish_reason\":null}]}\n\n"u8);
        return last.WrittenMemory;
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body) => (_editor ??= new EventEditor(Edit)).EditBody(body);

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes("\"" + JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping) + "\"");

    private void Edit(ReadOnlySpan<byte> bytes, DataEdits edits)
    {
        try
        {
            // choices (1) [ choice (2) { delta or message (3) { content (4)
            Look(bytes, out var content, out var message, out var ends);
            if (content.Length > 0)
            {
                Replace(bytes, content, ends || !_isStream, edits);
            }
            else if (ends && _scanner.Holds && message > 0)
            {
                var isEmpty = bytes[message..].TrimStart(" \t\r\n"u8).StartsWith("}"u8);
                edits.Put(message, 0, [.. "\"content\":"u8, .. Text(_scanner.Flush()), .. isEmpty ? ""u8 : ","u8]);
            }
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
    }

    private static void Look(ReadOnlySpan<byte> bytes, out (int Start, int Length) content, out int message, out bool ends)
    {
        (content, message, ends) = (default, 0, false);
        var json = new Utf8JsonReader(bytes);
        var (inChoices, inMessage, choices) = (false, false, 0);
        while (json.Read())
        {
            if (json.TokenType == JsonTokenType.StartObject && json.CurrentDepth == 2 && inChoices)
            {
                choices++;
            }

            if (json.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            inChoices = json.CurrentDepth == 1 ? json.ValueTextEquals("choices"u8) : inChoices;
            if (!inChoices || choices > 1 || json.CurrentDepth is not (3 or 4))
            {
                continue;
            }

            var (isContent, isReason) = (json.CurrentDepth == 4 && inMessage && json.ValueTextEquals("content"u8), json.CurrentDepth == 3 && json.ValueTextEquals("finish_reason"u8));
            var isIndex = json.CurrentDepth == 3 && json.ValueTextEquals("index"u8);
            inMessage = json.CurrentDepth == 3 ? json.ValueTextEquals("delta"u8) || json.ValueTextEquals("message"u8) : inMessage;
            var opens = inMessage && json.CurrentDepth == 3;
            json.Read();
            if (isIndex && json.TokenType == JsonTokenType.Number && json.GetInt32() != 0)
            {
                (content, message, ends) = (default, 0, false);
                return; // another choice: its text stays
            }

            message = opens && json.TokenType == JsonTokenType.StartObject ? (int)json.BytesConsumed : message;
            ends |= isReason && json.TokenType == JsonTokenType.String;
            content = isContent && json.TokenType == JsonTokenType.String ? ((int)json.TokenStartIndex, (int)(json.BytesConsumed - json.TokenStartIndex)) : content;
        }
    }

    private void Replace(ReadOnlySpan<byte> bytes, (int Start, int Length) content, bool ends, DataEdits edits)
    {
        var raw = bytes.Slice(content.Start, content.Length);
        if (!_scanner.Holds && raw.IndexOfAny((byte)'<', (byte)'\\') < 0)
        {
            _scanner.Skip(raw[1..^1]);
            return; // the many pieces that can begin no call cost nothing
        }

        var json = new Utf8JsonReader(raw);
        json.Read();
        var said = json.GetString()!;
        _calls.Clear();
        var text = _scanner.Push(said, _calls) + (ends ? _scanner.Flush() : "");
        if (text == said && _calls.Count == 0)
        {
            return;
        }

        var put = new ArrayBufferWriter<byte>(256);
        put.Write(Text(text));
        if (_calls.Count > 0)
        {
            put.Write(",\"tool_calls\":["u8);
            for (var i = 0; i < _calls.Count; i++)
            {
                var (name, arguments) = _calls[i];
                put.Write(Encoding.UTF8.GetBytes($"{(i > 0 ? "," : "")}{{{(_isStream ? $"\"index\":{_count}," : "")}\"function\":{{\"name\":"));
                put.Write(Text(name));
                put.Write(",\"arguments\":"u8);
                put.Write(Text(arguments));
                put.Write("}}"u8);
                _count++;
            }

            put.Write("]"u8);
        }

        edits.Put(content.Start, content.Length, put.WrittenSpan);
    }
}
