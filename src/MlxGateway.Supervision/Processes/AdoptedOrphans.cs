namespace MlxGateway.Supervision.Processes;

/// <summary>
/// Looks, now and then, at who came of the running children, so that a process which later breaks all ties is still known; and on Linux reaps
/// the dead whom the system gave to us when their own parents died, so that a child which forks for days does not fill the process table.
/// </summary>
internal sealed class AdoptedOrphans(IProcessTable table, TimeProvider time, Func<ICollection<ChildProcess>> running) : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private HashSet<ProcessIdentity> _strangers = [];
    private ITimer? _timer;

    /// <summary>Begins to look, if it has not begun.</summary>
    public void Watch()
    {
        lock (_lock)
        {
            _timer ??= time.CreateTimer(_ => Look(), null, Interval, Interval);
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            return _timer?.DisposeAsync() ?? ValueTask.CompletedTask;
        }
    }

    internal void Look()
    {
        lock (_lock)
        {
            var children = running();
            if (children.Count == 0 && _strangers.Count == 0)
            {
                return;
            }

            var all = table.All();
            foreach (var child in children)
            {
                child.Family.Remember(all);
            }

            ReapStrangers_NeedsLock(all, children);
        }
    }

    /// <summary>
    /// A dead child in another session than ours that we did not start, and that nobody has waited for since we last looked: it was adopted. Only
    /// when it is seen twice, since the runtime may be about to wait for a child of its own.
    /// </summary>
    private void ReapStrangers_NeedsLock(IReadOnlyList<ProcessEntry> all, ICollection<ChildProcess> children)
    {
        var leaders = children.Select(child => child.Pid).ToHashSet();
        var strangers = all
            .Where(entry => entry.IsZombie && entry.Parent == Environment.ProcessId && !leaders.Contains(entry.Pid) && entry.Session != Environment.ProcessId)
            .Select(entry => entry.Identity).ToHashSet();
        foreach (var stranger in strangers.Where(_strangers.Contains))
        {
            ExitWait.ReapAdopted(stranger.Pid);
        }

        _strangers = strangers;
    }
}
