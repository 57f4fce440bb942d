using OpenTelemetry;
using OpenTelemetry.Logs;

namespace MlxGateway.Telemetry.Otlp;

/// <summary>Gives a request's record, which is written behind its back, its place in the request's trace. Every other line of the log has it from where it is written.</summary>
internal sealed class RecordTraces : BaseProcessor<LogRecord>
{
    /// <inheritdoc/>
    public override void OnEnd(LogRecord data)
    {
        if (RequestLog.Trace is { } trace && trace != default)
        {
            (data.TraceId, data.SpanId, data.TraceFlags) = (trace.TraceId, trace.SpanId, trace.TraceFlags);
        }
    }
}
