using System.Buffers;
using System.IO.Pipelines;

namespace MlxGateway.Admin.Streams;

/// <summary>
/// Keeps a response open and writes to it what a <see cref="IFeed"/> has to tell. Its headers are sent at once. It ends when its reader leaves, takes nothing for minutes, or the gateway stops: an
/// open stream would otherwise hold up the stop for as long as somebody looks.
/// </summary>
internal sealed class EventStream(TimeProvider time, IHostApplicationLifetime lifetime)
{
    /// <summary>How often a quiet stream shows that it lives. Proxies close what is silent for a minute.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>How long a reader may take nothing before it counts as gone.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Serves the reader to the end. The feed is disposed then.</summary>
    public async Task RunAsync(HttpContext context, IFeed feed)
    {
        using var owned = feed;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var response = context.Response;
        response.ContentType = feed.ContentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // a proxy that collects what it passes on would show nothing
        try
        {
            await response.StartAsync(over.Token);
            await TellAsync(context, response.BodyWriter, feed, over.Token);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The end of a stream that has none of its own.
        }
        finally
        {
            await over.CancelAsync(); // what is still waited for
        }
    }

    private async Task TellAsync(HttpContext context, PipeWriter output, IFeed feed, CancellationToken over)
    {
        output.Write(feed.Pulse.Span);
        var news = feed.WaitAsync(over);
        var pulse = Task.Delay(Interval, time, over);
        while (await FlushAsync(context, output, over))
        {
            // One wait for each, renewed when it is over: a stream that is open for hours must not leave a waiting task behind for each event.
            await Task.WhenAny(news, pulse);
            over.ThrowIfCancellationRequested();
            if (pulse.IsCompleted)
            {
                output.Write(feed.Pulse.Span);
                pulse = Task.Delay(Interval, time, over);
            }

            if (news.IsCompleted)
            {
                await news;
                while (feed.TryWrite(output))
                {
                }

                news = feed.WaitAsync(over);
            }
        }
    }

    // False: nobody reads any more.
    private async ValueTask<bool> FlushAsync(HttpContext context, PipeWriter output, CancellationToken over)
    {
        var flush = output.FlushAsync(over);
        if (flush.IsCompleted)
        {
            return !(await flush).IsCompleted;
        }

        var taken = flush.AsTask();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(over);
        if (await Task.WhenAny(taken, Task.Delay(Patience, time, enough.Token)) != taken)
        {
            over.ThrowIfCancellationRequested();
            context.Abort();
            return false;
        }

        await enough.CancelAsync();
        return !(await taken).IsCompleted;
    }
}
