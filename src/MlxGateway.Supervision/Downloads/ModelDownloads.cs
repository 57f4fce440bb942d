using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Downloads;

/// <summary>The downloads that are under way, those that wait for their turn, and the last ones that are over. For use by any thread.</summary>
/// <remarks><code>
///  Start ─► Waiting ─a place is free─► Preparing ─the plan is known─► Running ─► Succeeded, and the catalog has looked at the disk
///              └──────────────────────────┴──────────────────────────────┴─────► Failed, Cancelled: what has come is kept
/// </code></remarks>
internal sealed partial class ModelDownloads(DownloadProcess process, ModelCatalog catalog, DownloadOptions options, TimeProvider time, ILogger<ModelDownloads> logger) : IModelDownloads, IHostedService, IDisposable
{
    private const int MostPast = 20;

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _places = new(options.AtOnce);
    private readonly List<DownloadJob> _jobs = []; // at most one of a name
    private bool _isStopping;

    /// <inheritdoc/>
    public IReadOnlyList<DownloadStatus> Current
    {
        get
        {
            lock (_lock)
            {
                return [.. _jobs.Select(job => job.Status)];
            }
        }
    }

    /// <inheritdoc/>
    public DownloadStatus Start(string id)
    {
        if (DownloadTarget.Of(id, catalog.Current) is not { } target)
        {
            return new DownloadStatus(id, DownloadState.Failed, ByteSize.Zero, null, null, null, null, "This is not the name of a model of the Hub: it is written ORG/NAME, or ORG/NAME:QUANTISATION for one of several GGUF files.", time.GetUtcNow()) { Code = "invalid_request" };
        }

        DownloadJob job;
        Task place;
        lock (_lock)
        {
            if (Find_NeedsLock(target.Id) is { Status.IsOver: false } running)
            {
                return running.Status;
            }

            job = new DownloadJob(target, time.GetUtcNow());
            if (_isStopping)
            {
                job.Change(GivenUp);
                return job.Status;
            }

            _jobs.RemoveAll(past => past.Target.Id == target.Id);
            _jobs.Add(job);
            foreach (var old in _jobs.Where(past => past.Status.IsOver).SkipLast(MostPast).ToList())
            {
                _jobs.Remove(old);
            }

            place = _places.WaitAsync(job.Ended); // here, so that whoever asked first comes first
        }

        var status = job.Status;
        _ = Task.Run(() => RunAsync(job, place));
        return status;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<DownloadStatus> WatchAsync(string id, CancellationToken cancellationToken) => Find(id)?.WatchAsync(cancellationToken) ?? AsyncEnumerable.Empty<DownloadStatus>();

    /// <inheritdoc/>
    public DownloadStatus? LastOf(string id) => Find(id)?.Status;

    /// <inheritdoc/>
    public bool Cancel(string id)
    {
        if (Find(id) is not { Status.IsOver: false } job)
        {
            return false;
        }

        job.Cancel();
        return true;
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        List<DownloadJob> all;
        lock (_lock)
        {
            _isStopping = true;
            all = [.. _jobs];
        }

        all.ForEach(static job => job.Cancel());
        await Task.WhenAll(all.Select(job => job.Over.Task)).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private static DownloadStatus GivenUp(DownloadStatus status) => DownloadJob.Failed(status, DownloadStatus.ShuttingDown, "The gateway is shutting down. What has come is kept.");

    private DownloadJob? Find(string id)
    {
        var name = DownloadTarget.Of(id, catalog.Current)?.Id ?? id;
        lock (_lock)
        {
            return Find_NeedsLock(name);
        }
    }

    private DownloadJob? Find_NeedsLock(string name) => _jobs.Find(job => job.Target.Id == name);

    // Never faults: nobody waits for it.
    private async Task RunAsync(DownloadJob job, Task place)
    {
        var hasPlace = false;
        try
        {
            await place;
            hasPlace = true;
            job.Change(static s => s with { State = DownloadState.Preparing });
            Log.Begun(logger, job.Target.Id);
            await process.RunAsync(job);
            if (job.Path is { } path)
            {
                // Whoever hears that it is here asks for it next.
                var model = ModelAt(path, catalog.Rebuild());
                job.Change(s => s with { State = DownloadState.Succeeded, Done = s.Total ?? s.Done, File = null, BytesPerSecond = null, Remaining = null, Model = model });
            }
        }
        catch (OperationCanceledException)
        {
            job.Change(Volatile.Read(ref _isStopping) ? GivenUp : static s => s with { State = DownloadState.Cancelled, File = null, BytesPerSecond = null, Remaining = null });
        }
        catch (Exception fault)
        {
            job.Change(s => DownloadJob.Failed(s, "download_failed", $"The download failed: {fault.Message}"));
        }
        finally
        {
            if (hasPlace)
            {
                _places.Release();
            }

            Tell(job.Status);
            job.Over.SetResult();
        }
    }

    private static string? ModelAt(string path, CatalogSnapshot known)
    {
        var real = RealPath(path);
        return known.Models.FirstOrDefault(model => model.Path is { } at && (at == path || RealPath(at) == real))?.Id;
    }

    private static string RealPath(string path) => File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;

    private void Tell(DownloadStatus status)
    {
        var seconds = (time.GetUtcNow() - status.Started).TotalSeconds;
        switch (status.State)
        {
            case DownloadState.Succeeded:
                Log.Done(logger, status.Id, status.Done, seconds);
                break;
            case DownloadState.Failed:
                Log.Failed(logger, status.Id, status.Error ?? "");
                break;
            default:
                Log.Cancelled(logger, status.Id, status.Done);
                break;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(6001, LogLevel.Information, "Fetching {Model} from the Hub.")]
        public static partial void Begun(ILogger logger, string model);

        [LoggerMessage(6002, LogLevel.Information, "{Model} is here: {Size} in {Seconds:0} s.")]
        public static partial void Done(ILogger logger, string model, ByteSize size, double seconds);

        [LoggerMessage(6003, LogLevel.Warning, "{Model} could not be fetched: {Reason}")]
        public static partial void Failed(ILogger logger, string model, string reason);

        [LoggerMessage(6004, LogLevel.Information, "The download of {Model} was ended; {Size} of it are here.")]
        public static partial void Cancelled(ILogger logger, string model, ByteSize size);
    }
}
