namespace MlxGateway.Supervision.Downloads;

/// <summary>Fetches models from the Hub. A download belongs to the model and not to whoever asked for it: who asked may leave.</summary>
public interface IModelDownloads
{
    /// <summary>Begins to fetch a model, or joins the download of it that is under way. Never waits.</summary>
    /// <param name="id">A repository, <c>ORG/NAME</c>; with <c>:QUANTISATION</c> behind it that one of its GGUF files; or a model that is known here and comes from one.</param>
    DownloadStatus Start(string id);

    /// <summary>Tells how a download goes on: its state now, each change of it as it comes, at most a few in a second, and at the end the last state. Nothing where there is none of that id.</summary>
    /// <param name="id">What was given to <see cref="Start"/>.</param>
    /// <param name="cancellationToken">Ends the watching, not the download.</param>
    IAsyncEnumerable<DownloadStatus> WatchAsync(string id, CancellationToken cancellationToken);

    /// <summary>How a download stands that is under way, waits, or was the last of this model and is over; null: there was none lately.</summary>
    /// <param name="id">What was given to <see cref="Start"/>.</param>
    DownloadStatus? LastOf(string id);

    /// <summary>Ends a download. What has come stays, so that the next one goes on from there.</summary>
    /// <returns>False: none of that id is under way.</returns>
    bool Cancel(string id);

    /// <summary>The downloads that are under way or wait for their turn, and the last ones that are over, the oldest first.</summary>
    IReadOnlyList<DownloadStatus> Current { get; }
}
