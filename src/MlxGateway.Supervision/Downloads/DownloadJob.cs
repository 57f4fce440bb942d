using System.Runtime.CompilerServices;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Downloads;

/// <summary>One download, from the moment it was asked for until long after its end, and those who watch it.</summary>
internal sealed class DownloadJob(DownloadTarget target, DateTimeOffset started)
{
    private readonly Lock _lock = new();
    private readonly TransferRate _rate = new();
    private DownloadStatus _status = new(target.Id, DownloadState.Waiting, ByteSize.Zero, null, null, null, null, null, started);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What is fetched.</summary>
    public DownloadTarget Target => target;

    /// <summary>How it stands.</summary>
    public DownloadStatus Status
    {
        get
        {
            lock (_lock)
            {
                return _status;
            }
        }
    }

    /// <summary>Somebody ended it.</summary>
    public CancellationToken Ended => End.Token;

    /// <summary>What was fetched, once the process has said so: a folder or a file.</summary>
    public string? Path { get; private set; }

    /// <summary>Completes when it is over and nothing of it runs.</summary>
    public TaskCompletionSource Over { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends it.</summary>
    public void Cancel() => End.Cancel();

    // Without a timer it holds nothing that would have to be freed.
    private CancellationTokenSource End { get; } = new();

    /// <summary>Moves it on. What is over stays as it is.</summary>
    public void Change(Func<DownloadStatus, DownloadStatus> change)
    {
        TaskCompletionSource changed;
        lock (_lock)
        {
            if (_status.IsOver)
            {
                return;
            }

            _status = change(_status);
            (changed, _changed) = (_changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        changed.SetResult();
    }

    /// <summary>Takes what its process told.</summary>
    public void Note(DownloadNews news)
    {
        switch (news)
        {
            case DownloadNews.Planned plan:
                Change(s => s with { State = DownloadState.Running, Total = new ByteSize(plan.Total), Done = new ByteSize(plan.Done), Choice = plan.Choice });
                break;
            case DownloadNews.Progressed progress:
                _rate.Note(progress.At, progress.Done);
                Change(s => s with { Done = new ByteSize(progress.Done), File = progress.File, BytesPerSecond = _rate.BytesPerSecond, Remaining = s.Total is { } total ? _rate.RemainingOf(total.Bytes) : null });
                break;
            case DownloadNews.Verifying verifying:
                Change(s => s with { File = verifying.File, BytesPerSecond = null, Remaining = null });
                break;
            case DownloadNews.Retrying:
                Change(static s => s with { BytesPerSecond = null, Remaining = null });
                break;
            case DownloadNews.Completed completed:
                Path = completed.Path;
                break;
            case DownloadNews.Failed failed:
                Change(s => Failed(s, failed.Code, failed.Message));
                break;
        }
    }

    /// <summary>A status that says why it was given up.</summary>
    public static DownloadStatus Failed(DownloadStatus status, string code, string message) =>
        status with { State = DownloadState.Failed, Code = code, Error = message, BytesPerSecond = null, Remaining = null, File = null };

    /// <summary>Tells how it stands, and each change of that until its end. A slow reader is told the newest.</summary>
    public async IAsyncEnumerable<DownloadStatus> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            DownloadStatus now;
            Task changed;
            lock (_lock)
            {
                (now, changed) = (_status, _changed.Task);
            }

            yield return now;
            if (now.IsOver)
            {
                yield break;
            }

            await changed.WaitAsync(cancellationToken);
        }
    }
}
