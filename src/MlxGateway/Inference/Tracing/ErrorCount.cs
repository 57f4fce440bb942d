using System.Diagnostics.Metrics;

namespace MlxGateway.Inference.Tracing;

/// <summary>Counts the errors that are answered, whoever answers them: at the door too, where no request has become one to a model yet. By the runtime's own instruments: where nobody listens it costs a look.</summary>
internal static class ErrorCount
{
    private static readonly Meter Meter = new(RequestSpans.Name);
    private static readonly Counter<long> Errors = Meter.CreateCounter<long>("mlxgateway.http.errors", "{error}", "Requests that were answered with an error, by its code.");

    /// <summary>Whether anybody listens.</summary>
    public static bool IsHeard => Errors.Enabled;

    public static void Note(GatewayError error)
    {
        if (IsHeard)
        {
            Errors.Add(1, new("error.type", error.Code), new("http.response.status_code", error.Status));
        }
    }
}
