using MlxGateway.Inference;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Admin.Router;

/// <summary>What becomes of downloads, in the events of llama.cpp's router, for one reader: what is other than it was told last.</summary>
/// <param name="downloads">The downloads.</param>
/// <param name="caller">Who reads; null: nobody is told apart.</param>
internal sealed class DownloadFeed(IModelDownloads downloads, ICaller? caller)
{
    private Dictionary<string, DownloadStatus> _told = downloads.Current.ToDictionary(d => d.Id, StringComparer.Ordinal);

    /// <summary>What has changed since it was asked last.</summary>
    public IReadOnlyList<RouterDownload> News()
    {
        if (downloads.Current is not { Count: > 0 } current)
        {
            return [];
        }

        var news = new List<RouterDownload>();
        foreach (var now in current.Where(now => _told.GetValueOrDefault(now.Id) != now && caller?.MayUse(new ModelSpec { Id = now.Id.Split(':')[0], Runner = "" }) != false))
        {
            news.AddRange(Tell(now) is { } told ? [told] : []);
        }

        _told = current.ToDictionary(d => d.Id, StringComparer.Ordinal);
        return news;
    }

    private static RouterDownload? Tell(DownloadStatus now) => now switch
    {
        { State: DownloadState.Succeeded } => new RouterDownload(now.Id, "download_finished"),
        { IsOver: true } => new RouterDownload(now.Id, "download_failed"),
        { Total: { } total } => new RouterDownload(now.Id, "download_progress") { Data = new Dictionary<string, RouterBytes> { [now.Id] = new(now.Done.Bytes, total.Bytes) } },
        _ => null,
    };
}
