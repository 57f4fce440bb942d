namespace MlxGateway.Supervision.Processes;

/// <summary>A process that another gateway started. The system tells its death to its own parent, and gives its number away after that: so nothing is done to it that its start time does not allow.</summary>
internal sealed class AdoptedLeader(ProcessIdentity identity, IProcessTable table, TimeProvider time) : ILeader
{
    // Where the system cannot be asked to tell. A look is one call.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public ProcessIdentity Identity => identity;

    public bool HoldsItsNumber => false;

    public async Task DeathAsync()
    {
        // Looked at after the system was asked to tell: what it tells of is then this process and no later one.
        var end = table.Lives(identity) ? ExitWait.EndOf(identity.Pid) : null;
        while (table.Lives(identity))
        {
            await (end ?? Task.Delay(Interval, time));
        }
    }

    public void SignalGroup(int signal)
    {
        if (table.Find(identity.Pid) is { } now && now.Identity == identity)
        {
            Signals.SendToGroup(identity.Pid, signal);
        }
    }

    /// <summary>Its parent was told how it ended; we are not, unless it came to us.</summary>
    public ChildExit Reap() =>
        table.Find(identity.Pid) is { IsZombie: true } now && now.Identity == identity && now.Parent == Environment.ProcessId
            ? ExitWait.Reap(identity.Pid)
            : new ChildExit(null, null);
}
