namespace MlxGateway.ToolCalls;

/// <summary>JSON with <c>parameters</c>, as Llama 3.1 and later have it.</summary>
internal sealed class Llama3Form : IToolForm
{
    /// <inheritdoc/>
    public bool TemplatesRefuseSeveralCalls => true;

    /// <inheritdoc/>
    public ICallReader NewReader(ToolSet tools) => new Llama3Reader(tools);

    /// <inheritdoc/>
    public string Describe(ToolSet tools) => $$"""
        You have access to the following functions. To call one, respond with JSON in the format {"name": function name, "parameters": dictionary of argument name and its value} and nothing else. Do not use variables.

        {{string.Join("\n\n", tools.All.Select(static tool => tool.Json))}}
        """;

    /// <inheritdoc/>
    public string WriteCalls(IReadOnlyList<FoundCall> calls) =>
        string.Join("; ", calls.Select(static call => $"{{\"name\": {CallJson.TextOf(call.Name)}, \"parameters\": {call.Arguments}}}"));

    /// <inheritdoc/>
    public string WriteResult(string? name, string result) => name is null ? $"The result of the call: {result}" : $"The result of {name}: {result}";
}
