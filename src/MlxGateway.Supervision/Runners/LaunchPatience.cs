namespace MlxGateway.Supervision.Runners;

/// <summary>Says whether a kind's own bound of a launch (<see cref="LaunchPlan.ReadyWithin"/>) holds: it does not where somebody configured how long launches may take.</summary>
/// <param name="isConfigured">Whether somebody did; asked at each launch.</param>
public sealed class LaunchPatience(Func<bool> isConfigured)
{
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    /// <summary>How long the runner of this plan may take to become ready, preparations not counted; null: the general bound alone holds.</summary>
    internal TimeSpan? Of(LaunchPlan plan) => isConfigured() ? null : plan.ReadyWithin;

    /// <summary>Completes when so much time is over. The time that is spent on preparations does not count.</summary>
    /// <param name="within">How much.</param>
    /// <param name="isPreparing">Whether it is at preparations.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the wait; the task is then cancelled.</param>
    internal static async Task IsOverAsync(TimeSpan within, Func<bool> isPreparing, TimeProvider time, CancellationToken cancellationToken)
    {
        for (var spent = TimeSpan.Zero; spent < within;)
        {
            var glance = within - spent < Glance ? within - spent : Glance;
            await Task.Delay(glance, time, cancellationToken);
            spent += isPreparing() ? TimeSpan.Zero : glance;
        }
    }
}
