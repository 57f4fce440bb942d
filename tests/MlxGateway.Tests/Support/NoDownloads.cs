using MlxGateway.Supervision.Downloads;

namespace MlxGateway.Tests.Support;

/// <summary>Nothing is downloaded, and nobody may ask for it.</summary>
internal sealed class NoDownloads : IModelDownloads
{
    public DownloadStatus? LastOf(string id) => null;

    public IReadOnlyList<DownloadStatus> Current => [];

    public DownloadStatus Start(string id) => throw new InvalidOperationException($"{id} is not to be downloaded.");

    public IAsyncEnumerable<DownloadStatus> WatchAsync(string id, CancellationToken cancellationToken) => AsyncEnumerable.Empty<DownloadStatus>();

    public bool Cancel(string id) => false;
}
