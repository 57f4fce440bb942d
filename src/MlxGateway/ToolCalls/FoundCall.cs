namespace MlxGateway.ToolCalls;

/// <summary>A call that a model wrote.</summary>
/// <param name="Name">The function.</param>
/// <param name="Arguments">Its arguments, as the text of a JSON object.</param>
internal readonly record struct FoundCall(string Name, string Arguments);
