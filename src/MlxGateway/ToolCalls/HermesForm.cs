namespace MlxGateway.ToolCalls;

/// <summary>JSON between tags, as Hermes and Qwen have it.</summary>
internal sealed class HermesForm : IToolForm
{
    /// <inheritdoc/>
    public ICallReader NewReader(ToolSet tools) => new HermesReader(tools);

    /// <inheritdoc/>
    public string Describe(ToolSet tools) => $$"""
        # Tools

        You may call one or more of these functions to help with the user's request. Their signatures stand within <tools></tools> tags:
        <tools>
        {{string.Join('\n', tools.All.Select(static tool => tool.Json))}}
        </tools>

        For each call, return a JSON object with the function's name and its arguments within <tool_call></tool_call> tags:
        <tool_call>
        {"name": <function-name>, "arguments": <args-json-object>}
        </tool_call>
        """;

    /// <inheritdoc/>
    public string WriteCalls(IReadOnlyList<FoundCall> calls) =>
        string.Join('\n', calls.Select(static call => $"<tool_call>\n{{\"name\": {CallJson.TextOf(call.Name)}, \"arguments\": {call.Arguments}}}\n</tool_call>"));

    /// <inheritdoc/>
    public string WriteResult(string? name, string result) => $"<tool_response>\n{result}\n</tool_response>";
}
