namespace MlxGateway.Supervision.Processes;

/// <summary>What the system says about its processes, at the moment of the call.</summary>
internal interface IProcessTable
{
    /// <summary>Names this boot of this machine, and on Linux its process namespace: process ids mean the same only within one epoch.</summary>
    ProcessEpoch Epoch { get; }

    /// <summary>Every process that can be seen.</summary>
    IReadOnlyList<ProcessEntry> All();

    /// <summary>One process; null: there is none with this id.</summary>
    ProcessEntry? Find(int pid);

    /// <summary>Whether exactly this process is there and not a zombie.</summary>
    bool Lives(ProcessIdentity process) => Find(process.Pid) is { IsZombie: false } now && now.Identity == process;

    /// <summary>Whether a process was surely there before another, so that it cannot have come of it; false where that cannot be told, as where starts are told by a clock that people set.</summary>
    bool WasThereBefore(ProcessIdentity process, ProcessIdentity other) => false;

    /// <summary>Whether a variable was in the environment that a process was started with; false also where that cannot be read.</summary>
    bool HasVariable(int pid, string name, string value);

    /// <summary>How much processor time a process has used since it started, all its threads together; null: it is gone, or the system does not say.</summary>
    TimeSpan? ProcessorTimeOf(int pid);

    /// <summary>Whether one of these processes listens on a TCP port of the loopback; null: it cannot be told.</summary>
    bool? AnyListens(IReadOnlyCollection<int> pids, int port);
}

/// <summary>Within which pair of process id and start time is unique.</summary>
/// <param name="Boot">Names the boot.</param>
/// <param name="Space">Names the process namespace; empty where there are none.</param>
internal sealed record ProcessEpoch(string Boot, string Space);

/// <summary>A process that no later one can be taken for, within one epoch.</summary>
/// <param name="Pid">The process id.</param>
/// <param name="Start">When it started: clock ticks since the boot on Linux, microseconds since 1970 on macOS.</param>
internal readonly record struct ProcessIdentity(int Pid, long Start);

/// <summary>One line of the process table.</summary>
/// <param name="Identity">Who it is.</param>
/// <param name="Parent">The process id of its parent.</param>
/// <param name="Group">The id of its process group.</param>
/// <param name="Session">The id of its session.</param>
/// <param name="IsZombie">Whether it is dead and only waits to be reaped.</param>
internal readonly record struct ProcessEntry(ProcessIdentity Identity, int Parent, int Group, int Session, bool IsZombie)
{
    public int Pid => Identity.Pid;
}
