using System.Text.Json.Nodes;

namespace MlxGateway.Inference;

/// <summary>One choice of an answer, put together from a stream: of a chat with its message, or of a completion with its text.</summary>
internal sealed class AssembledChoice(int index)
{
    private static readonly HashSet<string> None = [];
    private static readonly HashSet<string> JoinedOfChoice = ["text"];
    private static readonly HashSet<string> JoinedOfMessage = ["content", "reasoning", "reasoning_content", "refusal"];
    private static readonly HashSet<string> FirstOfMessage = ["role"];

    private readonly JoinedFields _choice = new(JoinedOfChoice, None);
    private readonly JoinedFields _message = new(JoinedOfMessage, FirstOfMessage);
    private readonly AssembledCalls _calls = new();
    private readonly JsonObject _probabilities = [];
    private bool _isChat;

    /// <summary>Whether the engine said why it stopped.</summary>
    public bool IsFinished { get; private set; }

    /// <summary>Adds what one event says of it.</summary>
    public void Add(JsonObject piece)
    {
        foreach (var (name, value) in piece)
        {
            switch (name, value)
            {
                case ("index", _):
                    break;
                case ("delta", JsonObject delta):
                    _isChat = true;
                    _choice.Add("message", null); // its place
                    AddDelta(delta);
                    break;
                case ("logprobs", JsonObject probabilities):
                    _choice.Add("logprobs", null);
                    AddProbabilities(probabilities);
                    break;
                default:
                    IsFinished |= name == "finish_reason" && value is not null;
                    _choice.Add(name, value);
                    break;
            }
        }
    }

    /// <summary>The choice, as an answer has it that was not streamed.</summary>
    public JsonObject Take()
    {
        var choice = new JsonObject { ["index"] = index };
        foreach (var (name, value) in _choice.Take())
        {
            choice[name] = value?.DeepClone();
        }

        if (_isChat)
        {
            choice["message"] = Message();
        }

        if (_probabilities.Count > 0)
        {
            choice["logprobs"] = _probabilities.DeepClone();
        }

        choice.TryAdd("finish_reason", null);
        return choice;
    }

    private void AddDelta(JsonObject delta)
    {
        foreach (var (name, value) in delta)
        {
            if (name == "tool_calls" && value is JsonArray calls)
            {
                _calls.Add(calls);
                _message.Add(name, null);
            }
            else
            {
                _message.Add(name, value);
            }
        }
    }

    // Each event has the probabilities of its own tokens.
    private void AddProbabilities(JsonObject piece)
    {
        foreach (var (name, value) in piece)
        {
            if (value is JsonArray more && _probabilities[name] is JsonArray sofar)
            {
                foreach (var one in more)
                {
                    sofar.Add(one?.DeepClone());
                }
            }
            else if (value is not null || !_probabilities.ContainsKey(name))
            {
                _probabilities[name] = value?.DeepClone();
            }
        }
    }

    private JsonObject Message()
    {
        var said = _message.Take();
        var message = new JsonObject { ["role"] = said["role"]?.DeepClone() ?? "assistant", ["content"] = null };
        foreach (var (name, value) in said)
        {
            message[name] = value?.DeepClone() ?? message[name]?.DeepClone();
        }

        var isEmpty = message["content"] is null || (message["content"] is JsonValue text && text.TryGetValue<string>(out var content) && content.Length == 0);
        if (_calls.Any)
        {
            message["tool_calls"] = _calls.Take();
        }

        // Nothing said is an empty text; nothing but calls is none.
        message["content"] = !isEmpty ? message["content"]?.DeepClone() : _calls.Any ? null : "";
        return message;
    }
}
