namespace MlxGateway.Supervision.Runners;

/// <summary>By what it can be told whether a runner hangs: what it sends, what it computes, and whether it answers. Asked by one watch at a time.</summary>
public interface IVitals
{
    /// <summary>Whether the runner has sent anything, on whatever connection, since this was asked last, or has sent something that its client has not taken yet.</summary>
    bool HasSpoken();

    /// <summary>The processor time that its processes have used so far; null: it is gone, or the system does not say. May take milliseconds.</summary>
    TimeSpan? ProcessorTime();

    /// <summary>Whether that time is no sign of work: it computes while it waits, too.</summary>
    bool WaitsBusily => false;

    /// <summary>Asks it something that needs the part of it that answers clients, on a connection of its own and beside all limits. Never throws.</summary>
    /// <param name="cancellationToken">Ends the wait; then it has not answered.</param>
    Task<bool> AnswersAsync(CancellationToken cancellationToken);

    /// <summary>It hangs: whoever stops it need not wait as long as for a healthy one.</summary>
    void GiveUp();
}
