namespace MlxGateway.Commands.Installing;

/// <summary>How a service manager of a person's session is told of the gateway.</summary>
/// <param name="Path">The file that it reads.</param>
/// <param name="Text">What is in it.</param>
/// <param name="Install">What is run when it has been written, in order.</param>
/// <param name="Uninstall">What is run before it is deleted; what is not there may fail.</param>
/// <param name="Forget">What is run when it has been deleted.</param>
/// <param name="Status">What says how it is.</param>
/// <param name="Hint">What a person should know beside it; null: nothing.</param>
internal sealed record ServicePlan(
    string Path,
    string Text,
    IReadOnlyList<IReadOnlyList<string>> Install,
    IReadOnlyList<IReadOnlyList<string>> Uninstall,
    IReadOnlyList<IReadOnlyList<string>> Forget,
    IReadOnlyList<string> Status,
    string? Hint);
