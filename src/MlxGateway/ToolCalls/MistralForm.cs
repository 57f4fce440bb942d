namespace MlxGateway.ToolCalls;

/// <summary>JSON behind a word in brackets, as Mistral has it.</summary>
internal sealed class MistralForm : IToolForm
{
    /// <inheritdoc/>
    public ICallReader NewReader(ToolSet tools) => new MistralReader(tools);

    /// <inheritdoc/>
    public string Describe(ToolSet tools) => $$$"""
        [AVAILABLE_TOOLS] [{{{string.Join(", ", tools.All.Select(static tool => tool.Json))}}}][/AVAILABLE_TOOLS]
        To call one or more of these functions, respond with [TOOL_CALLS] [{"name": function name, "arguments": {argument name: value}}] and nothing else.
        """;

    /// <inheritdoc/>
    public string WriteCalls(IReadOnlyList<FoundCall> calls) =>
        $"[TOOL_CALLS] [{string.Join(", ", calls.Select(static call => $"{{\"name\": {CallJson.TextOf(call.Name)}, \"arguments\": {call.Arguments}}}"))}]";

    /// <inheritdoc/>
    public string WriteResult(string? name, string result) => $"[TOOL_RESULTS] {{\"content\": {CallJson.TextOf(result)}}}[/TOOL_RESULTS]";
}
