namespace MlxGateway.Commands;

/// <summary>A command cannot go on; the message says why in a sentence, for a person.</summary>
internal sealed class CommandFailure(int exitCode, string message) : Exception(message)
{
    /// <summary>What a script is told.</summary>
    public int ExitCode => exitCode;
}
