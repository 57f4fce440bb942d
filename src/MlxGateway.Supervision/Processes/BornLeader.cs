namespace MlxGateway.Supervision.Processes;

/// <summary>A process that we started. Dead, it stays a zombie until we reap it, and so keeps its number.</summary>
internal sealed class BornLeader(ProcessIdentity identity) : ILeader
{
    public ProcessIdentity Identity => identity;

    public bool HoldsItsNumber => true;

    public Task DeathAsync() => ExitWait.DeathOf(identity.Pid);

    public void SignalGroup(int signal) => Signals.SendToGroup(identity.Pid, signal);

    public ChildExit Reap() => ExitWait.Reap(identity.Pid);
}
