using System.Text;
using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>Functions of Python, called in blocks of code, as Gemma 3 was taught.</summary>
internal sealed class GemmaForm : IToolForm
{
    /// <inheritdoc/>
    public ICallReader NewReader(ToolSet tools) => new GemmaReader(tools);

    /// <inheritdoc/>
    public string Describe(ToolSet tools) => $"""
        At each turn, if you decide to call any of the functions below, write the calls in a block of code that begins with ```tool_code and ends with ```: one call a line, with named arguments that are written out, and nothing else in the block. Stop behind it. The results then follow in a block that begins with ```tool_output: use them to call more functions or to answer. Without need for a function, answer as usual.

        These Python functions are there; there are no others:

        ```python
        {string.Join("\n\n", tools.All.Select(Signature))}
        ```
        """;

    /// <inheritdoc/>
    public string WriteCalls(IReadOnlyList<FoundCall> calls) => $"```tool_code\n{string.Join('\n', calls.Select(static call => $"{call.Name}({Arguments(call.Arguments)})"))}\n```";

    /// <inheritdoc/>
    public string WriteResult(string? name, string result) => $"```tool_output\n{result}\n```";

    private static string Signature(Tool tool)
    {
        var parameters = tool.Parameters.Select(static parameter => $"{parameter.Name}: {parameter.Type}{(parameter.IsRequired ? "" : " = None")}");
        var code = new StringBuilder($"def {tool.Name}({string.Join(", ", parameters)}):\n    \"\"\"{Indented(tool.Description)}");
        var described = tool.Parameters.Where(static parameter => parameter.Description.Length > 0).ToList();
        if (described.Count > 0)
        {
            code.Append("\n\n    Args:");
            described.ForEach(parameter => code.Append("\n      ").Append(parameter.Name).Append(": ").Append(Indented(parameter.Description)));
            code.Append("\n    ");
        }

        return code.Append("\"\"\"").ToString();
    }

    private static string Indented(string text) => text.Trim().Replace("\n", "\n    ", StringComparison.Ordinal);

    // What a client sends back of an older answer may be no JSON: a model may have written it.
    private static string Arguments(string json)
    {
        try
        {
            using var arguments = JsonDocument.Parse(json);
            return arguments.RootElement.ValueKind == JsonValueKind.Object
                ? string.Join(", ", arguments.RootElement.EnumerateObject().Select(static member => $"{member.Name}={Value(member.Value)}"))
                : Value(arguments.RootElement);
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            return CallJson.TextOf(json);
        }
    }

    // The texts of JSON are texts of Python too.
    private static string Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(", ", value.EnumerateObject().Select(static member => $"{CallJson.TextOf(member.Name)}: {Value(member.Value)}"))}}}",
        JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray().Select(Value))}]",
        JsonValueKind.String => CallJson.TextOf(value.GetString()!),
        JsonValueKind.True => "True",
        JsonValueKind.False => "False",
        JsonValueKind.Null => "None",
        _ => value.GetRawText(),
    };
}
