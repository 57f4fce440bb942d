using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Downloads;

/// <summary>How a download stands at one moment.</summary>
/// <param name="Id">The repository, with <c>:PART</c> behind it where one of its files was asked for.</param>
/// <param name="State">Where it is.</param>
/// <param name="Done">How much of it is here, with what an earlier download had left.</param>
/// <param name="Total">How much there is to fetch in all; null: the Hub has not said yet.</param>
/// <param name="BytesPerSecond">How fast it comes, over the last seconds; null: not known yet.</param>
/// <param name="Remaining">How long the rest takes at that speed; null: not known.</param>
/// <param name="File">The file that comes now; null: none.</param>
/// <param name="Error">Why it failed and what to do, as a sentence; null: it has not.</param>
/// <param name="Started">When it was asked for.</param>
public sealed record DownloadStatus(
    string Id, DownloadState State, ByteSize Done, ByteSize? Total, double? BytesPerSecond, TimeSpan? Remaining, string? File, string? Error, DateTimeOffset Started)
{
    /// <summary>The <see cref="Code"/> of a download that the gateway gave up because it ends. What has come is kept.</summary>
    public const string ShuttingDown = "shutting_down";

    /// <summary>What kind of failure it was, in one word for programs, for example <c>hub_not_found</c>; null: it has not failed.</summary>
    public string? Code { get; init; }

    /// <summary>What was chosen of the repository and why, for example which quantisation; null: there was nothing to choose.</summary>
    public string? Choice { get; init; }

    /// <summary>What the model is called here, once all of it is; null: it is not here yet, or nothing here can serve it.</summary>
    public string? Model { get; init; }

    /// <summary>Whether nothing will change any more.</summary>
    public bool IsOver => State is DownloadState.Succeeded or DownloadState.Failed or DownloadState.Cancelled;
}

/// <summary>Where a download is.</summary>
public enum DownloadState
{
    /// <summary>Others are fetched before it.</summary>
    Waiting,

    /// <summary>It asks the Hub what there is, and the disk whether there is room.</summary>
    Preparing,

    /// <summary>Files come.</summary>
    Running,

    /// <summary>All of it is here, and is what the Hub says it is.</summary>
    Succeeded,

    /// <summary>It was given up.</summary>
    Failed,

    /// <summary>Somebody ended it.</summary>
    Cancelled,
}
