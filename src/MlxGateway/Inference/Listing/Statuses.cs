using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Listing;

/// <summary>Where models stand, in the words of the list.</summary>
internal static class Statuses
{
    // A load that takes longer than the last one is not over for that.
    private const double MostProgress = 0.99;

    /// <summary>Where the model stands.</summary>
    public static ModelStatus Of(KnownModel known, DateTimeOffset now) => known.Resident switch
    {
        null => new ModelStatus(known.Model.Missing is null ? "unloaded" : "missing"),

        // Somebody waits for it: it is on its way, though nothing of it is in memory yet.
        { State: ResidentState.Absent, Waiting: > 0 } => new ModelStatus("loading"),
        { State: ResidentState.Absent } => new ModelStatus("unloaded"),
        { State: ResidentState.Launching } resident => Loading(resident, now),
        { State: ResidentState.Cooling } resident => At("failed", resident) with { Failure = resident.Failure },
        { State: ResidentState.Ready } resident => At("loaded", resident),
        var resident => At("unloading", resident),
    };

    private static ModelStatus Loading(ResidentSnapshot resident, DateTimeOffset now)
    {
        if (resident.LoadTime is not { TotalSeconds: > 0 } usual)
        {
            return At("loading", resident);
        }

        var elapsed = now > resident.Since ? now - resident.Since : TimeSpan.Zero;
        return At("loading", resident) with
        {
            Progress = Math.Round(Math.Min(elapsed / usual, MostProgress), 2),
            EtaSeconds = elapsed < usual ? Math.Round((usual - elapsed).TotalSeconds, 1) : null,
        };
    }

    private static ModelStatus At(string value, ResidentSnapshot resident) => new(value) { Since = resident.Since.UtcDateTime };
}
