using System.Text.Json;
using System.Text.Json.Nodes;

namespace MlxGateway.Inference;

/// <summary>The tool calls of one message, put together from a stream: whole ones, or a name and then its arguments piece by piece.</summary>
internal sealed class AssembledCalls
{
    private static readonly HashSet<string> JoinedOfFunction = ["arguments"];
    private static readonly HashSet<string> FirstOfFunction = ["name"];
    private static readonly HashSet<string> FirstOfCall = ["id", "type"];

    private readonly SortedDictionary<int, Call> _calls = [];

    /// <summary>Whether there is one.</summary>
    public bool Any => _calls.Count > 0;

    /// <summary>Adds what one event says of them.</summary>
    public void Add(JsonArray pieces)
    {
        foreach (var piece in pieces.OfType<JsonObject>())
        {
            var index = IndexOf(piece);
            if (!_calls.TryGetValue(index, out var call))
            {
                _calls[index] = call = new Call(new JoinedFields(new HashSet<string>(), FirstOfCall), new JoinedFields(JoinedOfFunction, FirstOfFunction));
            }

            AddTo(call, piece);
        }
    }

    /// <summary>The calls, as a message has them that was not streamed.</summary>
    public JsonArray Take() => [.. _calls.Values.Select(Whole)];

    // Without an index a new id begins a new call, and what has none goes on with the last.
    private int IndexOf(JsonObject piece)
    {
        if (piece["index"] is JsonValue index && index.TryGetValue<int>(out var number))
        {
            return number;
        }

        var last = _calls.Count == 0 ? -1 : _calls.Keys.Last();
        return piece["id"] is null && last >= 0 ? last : last + 1;
    }

    private static void AddTo(Call call, JsonObject piece)
    {
        foreach (var (name, value) in piece)
        {
            if (name == "function" && value is JsonObject function)
            {
                foreach (var (part, text) in function)
                {
                    // Clients expect a text even where an engine gives the object itself.
                    call.Function.Add(part, part == "arguments" && text is JsonObject ? JsonValue.Create(text.ToJsonString(StreamAssembler.Format)) : text);
                }
            }
            else if (name != "index")
            {
                call.Fields.Add(name, value);
            }
        }
    }

    private static JsonObject Whole(Call call)
    {
        var function = call.Function.Take();
        function["arguments"] ??= "";
        var whole = call.Fields.Take();

        // An answer to the call must be able to name it.
        whole["id"] ??= $"call_{Guid.NewGuid():N}";
        whole["type"] ??= "function";
        whole["function"] = function;
        return whole;
    }

    private sealed record Call(JoinedFields Fields, JoinedFields Function);
}
