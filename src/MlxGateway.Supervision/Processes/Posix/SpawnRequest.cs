namespace MlxGateway.Supervision.Processes;

/// <summary>A process to be, as the system wants it: everything looked up, nothing left to a shell.</summary>
/// <param name="Path">The absolute path of the program.</param>
/// <param name="Arguments">The arguments, the name it is called by first.</param>
/// <param name="Environment">All its variables.</param>
/// <param name="WorkingDirectory">The absolute path where it starts; null: where the gateway is.</param>
/// <param name="Output">An existing file that gets its output and errors, appended.</param>
/// <param name="Input">The descriptor that becomes its standard input; null: <c>/dev/null</c>.</param>
internal sealed record SpawnRequest(
    string Path, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, string? WorkingDirectory, string Output, int? Input);
