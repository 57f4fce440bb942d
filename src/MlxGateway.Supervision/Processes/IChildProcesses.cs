namespace MlxGateway.Supervision.Processes;

/// <summary>Starts processes that end when the gateway does.</summary>
public interface IChildProcesses
{
    /// <summary>
    /// Starts a process in a session and group of its own, with nothing of ours but the environment it is given and a mark. Its input is empty;
    /// its output and errors go to one file.
    /// </summary>
    /// <exception cref="ChildStartException">It could not be started; the message says why in a sentence.</exception>
    ChildProcess Start(ChildCommand command);

    /// <summary>
    /// Takes over every process that an earlier gateway kept and that nobody has taken since, whether it still lives or not: whoever calls this decides which of them go on,
    /// and stops the others. No process is ever given to two gateways.
    /// </summary>
    IReadOnlyList<AdoptedChild> AdoptKept();
}

/// <summary>A process that an earlier gateway kept, and that is ours now.</summary>
/// <param name="Child">The process.</param>
/// <param name="Note">What that gateway wanted to be known of it.</param>
public sealed record AdoptedChild(ChildProcess Child, string Note);
