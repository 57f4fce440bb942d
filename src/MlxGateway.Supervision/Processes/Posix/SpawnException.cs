using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes;

/// <summary>The system refused to start a process.</summary>
/// <param name="error">Its error number.</param>
internal sealed class SpawnException(int error) : Exception(Marshal.GetPInvokeErrorMessage(error))
{
    private const int NoSuchFile = 2;
    private const int ArgumentsTooLong = 7;
    private const int NotAProgram = 8;

    /// <summary>What it means for a file that was seen to be there and executable a moment ago.</summary>
    public string Explain(string path) => error switch
    {
        NoSuchFile => $"\"{path}\" cannot be started: the interpreter in its first line, or a library loader that it needs, is missing.",
        NotAProgram => $"\"{path}\" cannot be started: it is not a program for this machine, and as a script it has no \"#!\" line.",
        ArgumentsTooLong => $"\"{path}\" cannot be started: its arguments and environment are too long for this system.",
        _ => $"\"{path}\" cannot be started: {Message}.",
    };
}
