using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Downloading;
using MlxGateway.Supervision.Downloads;

namespace MlxGateway.Admin.Downloading;

/// <summary>Tells the client of a download how it goes. It ends with the download, with its client, and when the gateway stops, which an open answer would hold up.</summary>
internal sealed class PullLines(IModelDownloads downloads, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>After how long a line is said again that has not changed. Proxies close what is silent for a minute.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static readonly GatewayError Stopping = new(StatusCodes.Status503ServiceUnavailable, "shutting_down", "The gateway is shutting down. What has come of the model is kept.");

    /// <summary>Writes a line for each change.</summary>
    public async Task WriteAsync(HttpContext context, string id, Stream output)
    {
        context.Response.Headers.CacheControl = "no-cache";
        context.Response.Headers["X-Accel-Buffering"] = "no";
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await TellAsync(id, output, over.Token);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody reads any more.
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            await output.WriteAsync(ErrorWriter.ToLine(Stopping), context.RequestAborted);
        }
    }

    /// <summary>Waits for the end.</summary>
    public async Task<IResult> EndAsync(DownloadStatus status, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        try
        {
            await foreach (var now in downloads.WatchAsync(status.Id, over.Token))
            {
                status = now;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new ErrorResult(Stopping);
        }

        return status.State == DownloadState.Succeeded ? Results.Json(PullLine.Of(status), DownloadJson.Default.PullLine) : new ErrorResult(DownloadFailures.Of(status));
    }

    private async Task TellAsync(string id, Stream output, CancellationToken over)
    {
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(over);
        await using var changes = downloads.WatchAsync(id, watching.Token).GetAsyncEnumerator(CancellationToken.None);
        var next = changes.MoveNextAsync().AsTask();
        try
        {
            var last = Array.Empty<byte>();
            while (!next.IsCompleted || await next)
            {
                if (next.IsCompleted)
                {
                    last = LineOf(changes.Current);
                    next = changes.MoveNextAsync().AsTask();
                }

                await output.WriteAsync(last, over);
                await output.FlushAsync(over);
                using var enough = CancellationTokenSource.CreateLinkedTokenSource(over);
                await Task.WhenAny(next, Task.Delay(Interval, time, enough.Token));
                await enough.CancelAsync();
                over.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            await watching.CancelAsync();
            await Task.WhenAny(next); // what is under way cannot be disposed
        }
    }

    private static byte[] LineOf(DownloadStatus now) => now.State is DownloadState.Failed or DownloadState.Cancelled
        ? ErrorWriter.ToLine(DownloadFailures.Of(now))
        : [.. JsonSerializer.SerializeToUtf8Bytes(PullLine.Of(now), DownloadJson.Default.PullLine), (byte)'\n'];
}
