namespace MlxGateway.Telemetry;

/// <summary><c>MlxGateway:Telemetry</c>: what the gateway tells monitoring.</summary>
public sealed class TelemetryOptions
{
    /// <summary>Whether <c>GET /metrics</c> is served, for Prometheus and whatever reads its text. Without it, and without <see cref="Otlp"/>, nothing is measured.</summary>
    public bool Metrics { get; set; } = true;

    /// <summary>Where traces, metrics and logs are sent to.</summary>
    public OtlpOptions Otlp { get; set; } = new();
}

/// <summary><c>MlxGateway:Telemetry:Otlp</c>: the export by OpenTelemetry's protocol. The standard variables (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and its like) say the same and come first.</summary>
public sealed class OtlpOptions
{
    /// <summary>The collector, for example <c>http://localhost:4317</c>; null: nothing is sent.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>How the collector is spoken to.</summary>
    public OtlpProtocol Protocol { get; set; } = OtlpProtocol.Grpc;

    /// <summary>Headers of every export, as <c>name=value,name=value</c>; often a key. Null: none.</summary>
    public string? Headers { get; set; }

    /// <summary>By which name this gateway is known there.</summary>
    public string ServiceName { get; set; } = "mlxgateway";

    /// <summary>Whether traces are sent.</summary>
    public bool Traces { get; set; } = true;

    /// <summary>
    /// How many traces a second are begun, on the average, with those of ten seconds saved up in quiet times; 0: every one. A trace that a client began is always followed. Of no meaning where
    /// <c>OTEL_TRACES_SAMPLER</c> says which are taken.
    /// </summary>
    public int TracesPerSecond { get; set; } = 100;

    /// <summary>Whether metrics are sent.</summary>
    public bool Metrics { get; set; } = true;

    /// <summary>Whether the log is sent.</summary>
    public bool Logs { get; set; } = true;
}

/// <summary>The two forms of the protocol.</summary>
public enum OtlpProtocol
{
    /// <summary>gRPC, usually at port 4317.</summary>
    Grpc,

    /// <summary>Posts of protobuf, usually at port 4318.</summary>
    HttpProtobuf,
}
