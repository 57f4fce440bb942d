using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference;

namespace MlxGateway.ToolCalls;

/// <summary>Writes a conversation for a model that knows of tools only what it is told in words: calls become what it would have written, and results messages of the user's. What is neither stays byte for byte.</summary>
/// <param name="body">The request.</param>
/// <param name="form">How calls and results are written; null: they are left to the chat template.</param>
/// <param name="isTold">Whether the chat template knows of no tools at all; otherwise it is only kept from several calls in one message.</param>
internal sealed class ToolConversation(ReadOnlySequence<byte> body, IToolForm? form, bool isTold)
{
    private readonly List<BodyEdit> _edits = [];
    private readonly Dictionary<string, string> _functions = new(StringComparer.Ordinal); // by the ids of their calls

    /// <summary>The edits for the messages.</summary>
    /// <param name="at">Where their list begins.</param>
    /// <param name="instruction">What the model is to be told in front; empty: nothing.</param>
    public IReadOnlyList<BodyEdit> Edits(long at, string instruction)
    {
        var messages = ChatMessage.ReadAll(body, at, out var first);
        for (var i = 0; i < messages.Count && form is not null; i++)
        {
            if (messages[i] is { Role: "assistant", HasCalls: true } && (isTold || messages[i].HasSeveralCalls))
            {
                Replace(messages[i].Start, messages[i].End, "assistant", Calls(form, messages[i]));
            }
            else if (isTold && messages[i].IsResult)
            {
                i = WriteResults(form, messages, i);
            }
        }

        if (instruction.Length > 0 && messages.Count > 0)
        {
            Instruct(messages[0], first, instruction);
        }

        return _edits;
    }

    // Several results, and what the user says behind them, are one message: templates want the speakers to alternate.
    private int WriteResults(IToolForm form, List<ChatMessage> messages, int from)
    {
        var to = from;
        while (to + 1 < messages.Count && messages[to + 1].IsResult)
        {
            to++;
        }

        var results = string.Join('\n', messages[from..(to + 1)].Select(message => Result(form, message)));
        if (to + 1 == messages.Count || messages[to + 1] is not { Role: "user", Content.Length: > 0 } next || !next.IsContentTextOrList)
        {
            Replace(messages[from].Start, messages[to].End, "user", results);
            return to;
        }

        _edits.Add(new BodyEdit(messages[from].Start, next.Start - messages[from].Start, default));
        _edits.Add(new BodyEdit(next.Content.Start + 1, 0, next.ContentType == JsonTokenType.String
            ? CallJson.Text(results + "\n\n").AsMemory()[1..^1]
            : (byte[])[.. "{\"type\":\"text\",\"text\":"u8, .. CallJson.Text(results), .. "}"u8, .. next.Content.Length == 2 ? ""u8 : ","u8]));
        return to;
    }

    private string Calls(IToolForm form, in ChatMessage message)
    {
        using var json = Parse(message.Start, message.End);
        var calls = new List<FoundCall>();
        foreach (var call in Tool.Member(json.RootElement, "tool_calls")!.Value.EnumerateArray())
        {
            if (call.ValueKind == JsonValueKind.Object && Tool.Member(call, "function") is { ValueKind: JsonValueKind.Object } function && Tool.Text(function, "name") is { } name)
            {
                _functions[Tool.Text(call, "id") ?? ""] = name;
                calls.Add(new FoundCall(name, Tool.Member(function, "arguments") is not { } arguments ? "{}" : arguments.ValueKind == JsonValueKind.String ? arguments.GetString()! : arguments.GetRawText()));
            }
        }

        var said = ChatMessage.TextOf(Tool.Member(json.RootElement, "content"));
        return calls.Count == 0 ? said : said.Length == 0 ? form.WriteCalls(calls) : $"{said}\n{form.WriteCalls(calls)}";
    }

    private string Result(IToolForm form, ChatMessage message)
    {
        using var json = Parse(message.Start, message.End);
        var name = Tool.Text(json.RootElement, "name") ?? (Tool.Text(json.RootElement, "tool_call_id") is { } id ? _functions.GetValueOrDefault(id) : null);
        return form.WriteResult(name, ChatMessage.TextOf(Tool.Member(json.RootElement, "content")));
    }

    private void Instruct(in ChatMessage message, long first, string instruction)
    {
        if (message.Role is not ("system" or "developer") || message.Content.Length == 0)
        {
            _edits.Add(new BodyEdit(first, 0, (byte[])[.. "{\"role\":\"system\",\"content\":"u8, .. CallJson.Text(instruction), .. "},"u8]));
        }
        else if (message.ContentType == JsonTokenType.String)
        {
            _edits.Add(new BodyEdit(message.Content.Start + message.Content.Length - 1, 0, CallJson.Text("\n\n" + instruction).AsMemory()[1..^1]));
        }
        else
        {
            // Of several parts some templates read the first one only.
            using var json = Parse(message.Start, message.End);
            var said = ChatMessage.TextOf(Tool.Member(json.RootElement, "content"));
            _edits.Add(new BodyEdit(message.Content.Start, message.Content.Length, CallJson.Text(said.Length == 0 ? instruction : $"{said}\n\n{instruction}")));
        }
    }

    private void Replace(long start, long end, string role, string text) =>
        _edits.Add(new BodyEdit(start, end - start, (byte[])[.. "{\"role\":\""u8, .. System.Text.Encoding.ASCII.GetBytes(role), .. "\",\"content\":"u8, .. CallJson.Text(text), .. "}"u8]));

    private JsonDocument Parse(long start, long end) => JsonDocument.Parse(body.Slice(start, end - start), new JsonDocumentOptions { MaxDepth = TopLevelFields.MaxDepth });
}
