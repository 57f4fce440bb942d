using System.Text;
using System.Text.Json.Nodes;

namespace MlxGateway.Inference;

/// <summary>
/// One JSON object out of the pieces that a stream gave of it. Texts with a name in <paramref name="joined"/> are put behind each other, of those in
/// <paramref name="first"/> the first that is not null counts, of all others the last.
/// </summary>
internal sealed class JoinedFields(IReadOnlySet<string> joined, IReadOnlySet<string> first)
{
    private readonly JsonObject _fields = [];
    private readonly Dictionary<string, StringBuilder> _texts = new(StringComparer.Ordinal);

    /// <summary>Adds a field of the next piece. The order of the result is that in which names were first seen.</summary>
    public void Add(string name, JsonNode? value)
    {
        if (value is null)
        {
            _fields.TryAdd(name, null);
        }
        else if (joined.Contains(name) && value.GetValueKind() == System.Text.Json.JsonValueKind.String)
        {
            _fields.TryAdd(name, null);
            if (!_texts.TryGetValue(name, out var text))
            {
                _texts[name] = text = new StringBuilder();
            }

            text.Append(value.GetValue<string>());
        }
        else if (!first.Contains(name) || _fields[name] is null)
        {
            _fields[name] = value.DeepClone();
        }
    }

    /// <summary>The object so far.</summary>
    public JsonObject Take()
    {
        foreach (var (name, text) in _texts)
        {
            _fields[name] = text.ToString();
        }

        return _fields;
    }
}
