using System.Threading.Channels;
using MlxGateway.Inference;

namespace MlxGateway.Telemetry;

/// <summary>Writes one structured record for each request, behind the request's back. No text of the client's or of the model's is in it.</summary>
internal sealed partial class RequestLog : IRequestObserver, IHostedService, IDisposable
{
    // A log that is a moment behind costs no request anything; one that is written at once wakes a thread for each.
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100);

    // Far more than a log can be behind unless its disk stands still; then requests go on and their records do not.
    private readonly Channel<RequestRecord> _records = Channel.CreateBounded<RequestRecord>(new BoundedChannelOptions(65_536) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Lock _writing = new();

    private readonly ILogger _logger;
    private readonly ITimer _timer;
    private int _isArmed;

    public RequestLog(ILogger<RequestLog> logger, TimeProvider time)
    {
        _logger = logger;
        _timer = time.CreateTimer(static self => ((RequestLog)self!).WriteAll(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public void Completed(RequestRecord record)
    {
        if (_records.Writer.TryWrite(record) && Interlocked.Exchange(ref _isArmed, 1) == 0)
        {
            _timer.Change(Moment, Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Writes what is still to be written.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        WriteAll();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void WriteAll()
    {
        Volatile.Write(ref _isArmed, 0);
        lock (_writing)
        {
            while (_records.Reader.TryRead(out var record))
            {
                Write(record);
            }
        }
    }

    private void Write(RequestRecord record) => Log.Request(
        _logger,
        record.Id,
        record.Route,
        record.Model ?? "-",
        record.Runner ?? "-",
        record.Outcome,
        record.Status,
        record.Code ?? "-",
        record.Stream,
        Milliseconds(record.Queued),
        Milliseconds(record.Loading),
        record.FirstByte is { } first ? Milliseconds(first) : null,
        record.FirstToken is { } token ? Milliseconds(token) : null,
        Milliseconds(record.Total),
        record.PromptTokens,
        record.CachedTokens,
        record.PromptTokensPerSecond is { } reading ? Math.Round(reading, 1) : null,
        record.CompletionTokens,
        record.TokensPerSecond is { } speed ? Math.Round(speed, 1) : null,
        record.FinishReason ?? "-",
        record.RequestBytes,
        record.Caller ?? "-");

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 1);

    private static partial class Log
    {
        [LoggerMessage(5001, LogLevel.Information, "{RequestId} {Route} {Model} on {Runner}: {Outcome} {Status} {Code}, stream {Stream}, queue {QueueMs} ms, load {LoadMs} ms, first byte {FirstByteMs} ms, first token {FirstTokenMs} ms, total {TotalMs} ms, tokens {PromptTokens} in ({CachedTokens} cached) at {PromptTokensPerSecond} a second, {CompletionTokens} out at {TokensPerSecond} a second, finish {FinishReason}, body {RequestBytes} B, key {Caller}")]
        public static partial void Request(
            ILogger logger, string requestId, string route, string model, string runner, RequestOutcome outcome, int status, string code, bool stream,
            double queueMs, double loadMs, double? firstByteMs, double? firstTokenMs, double totalMs,
            int? promptTokens, int? cachedTokens, double? promptTokensPerSecond, int? completionTokens, double? tokensPerSecond, string finishReason, long requestBytes, string caller);
    }
}
