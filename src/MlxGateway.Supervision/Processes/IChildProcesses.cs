namespace MlxGateway.Supervision.Processes;

/// <summary>Starts processes that end when the gateway does.</summary>
public interface IChildProcesses
{
    /// <summary>
    /// Starts a process in a session and group of its own, with nothing of ours but the environment it is given and a mark. Its input is what the
    /// command says; its output and errors go to one file.
    /// </summary>
    /// <exception cref="ChildStartException">It could not be started; the message says why in a sentence.</exception>
    ChildProcess Start(ChildCommand command);
}
