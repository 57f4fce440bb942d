using System.Text;
using System.Text.Json;

namespace MlxGateway.Commands.Chatting;

/// <summary>What was said so far.</summary>
internal sealed class Conversation(string model, string? instructions)
{
    private readonly List<(string Role, string Text)> _said = [];

    /// <summary>Who answers.</summary>
    public string Model => model;

    /// <summary>How many messages there are.</summary>
    public int Length => _said.Count;

    /// <summary>Adds a question.</summary>
    public void Ask(string text) => _said.Add(("user", text));

    /// <summary>Adds the answer to the last question. Without one the question is forgotten too: models do not take two in a row.</summary>
    public void Settle(string? answer)
    {
        if (string.IsNullOrEmpty(answer))
        {
            _said.RemoveAt(_said.Count - 1);
            return;
        }

        _said.Add(("assistant", answer));
    }

    /// <summary>Forgets everything but the instructions.</summary>
    public void Clear() => _said.Clear();

    /// <summary>The body of the request for the next answer.</summary>
    public string Body(bool isStreamed)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteBoolean("stream", isStreamed);
            json.WriteStartArray("messages");
            foreach (var (role, text) in instructions is null ? _said : [("system", instructions), .. _said])
            {
                json.WriteStartObject();
                json.WriteString("role", role);
                json.WriteString("content", text);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
