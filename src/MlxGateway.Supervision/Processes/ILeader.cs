namespace MlxGateway.Supervision.Processes;

/// <summary>The first process of a child: how its death is seen, and for how long its number, which is also that of its group and session, can be relied on.</summary>
internal interface ILeader
{
    /// <summary>Who it is.</summary>
    ProcessIdentity Identity { get; }

    /// <summary>Whether the system gives its number to nobody else before <see cref="Reap"/>. Otherwise whoever uses the number has to prove it first.</summary>
    bool HoldsItsNumber { get; }

    /// <summary>Completes when it is dead. To be called once.</summary>
    Task DeathAsync();

    /// <summary>Sends a signal to everyone of its group, if that is certainly its group.</summary>
    void SignalGroup(int signal);

    /// <summary>Says how it ended, once it is dead, and lets go of its number.</summary>
    ChildExit Reap();
}
