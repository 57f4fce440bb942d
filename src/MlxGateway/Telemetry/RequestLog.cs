using MlxGateway.Inference;

namespace MlxGateway.Telemetry;

/// <summary>Writes one structured record for each request. No text of the client's or of the model's is in it.</summary>
internal sealed partial class RequestLog(ILogger<RequestLog> logger) : IRequestObserver
{
    /// <inheritdoc/>
    public void Completed(RequestRecord record)
    {
        if (!logger.IsEnabled(LogLevel.Information))
        {
            return;
        }

        Log.Request(
            logger,
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
            Milliseconds(record.Total),
            record.PromptTokens,
            record.CompletionTokens,
            record.RequestBytes);
    }

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 1);

    private static partial class Log
    {
        [LoggerMessage(5001, LogLevel.Information, "{RequestId} {Route} {Model} on {Runner}: {Outcome} {Status} {Code}, stream {Stream}, queue {QueueMs} ms, load {LoadMs} ms, first byte {FirstByteMs} ms, total {TotalMs} ms, tokens {PromptTokens} in {CompletionTokens} out, body {RequestBytes} B")]
        public static partial void Request(
            ILogger logger, string requestId, string route, string model, string runner, RequestOutcome outcome, int status, string code, bool stream,
            double queueMs, double loadMs, double? firstByteMs, double totalMs, int? promptTokens, int? completionTokens, long requestBytes);
    }
}
