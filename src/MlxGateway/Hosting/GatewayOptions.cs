using MlxGateway.Access;
using MlxGateway.Admin;
using MlxGateway.ContextWindow;
using MlxGateway.Inference;
using MlxGateway.RemoteImages;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using MlxGateway.Telemetry;

namespace MlxGateway.Hosting;

/// <summary>The section <c>MlxGateway</c>, whole. Every key that may stand in it is a property of this type or of one it holds; any other key is an error.</summary>
public sealed class GatewayOptions
{
    /// <summary>The model of a request that names none; null: such a request is an error.</summary>
    public string? DefaultModel { get; set; }

    /// <summary>Where models are looked for.</summary>
    public DiscoveryOptions Discovery { get; set; } = new();

    /// <summary>Where the engines are.</summary>
    public EngineOptions Engines { get; set; } = new();

    /// <summary>How models are fetched.</summary>
    public DownloadOptions Downloads { get; set; } = new();

    /// <summary>How much memory models may use.</summary>
    public MemoryOptions Memory { get; set; } = new();

    /// <summary>Who may be in memory, and for how long.</summary>
    public ResidencyOptions Residency { get; set; } = new();

    /// <summary>What a request may ask of the gateway.</summary>
    public LimitOptions Limits { get; set; } = new();

    /// <summary>How streaming clients are kept waiting.</summary>
    public StreamOptions Streams { get; set; } = new();

    /// <summary>Images that a request names by their address.</summary>
    public RemoteImageOptions RemoteImages { get; set; } = new();

    /// <summary>How conversations are made to fit.</summary>
    public ContextWindowOptions ContextWindow { get; set; } = new();

    /// <summary>Who may use the gateway.</summary>
    public AccessOptions Access { get; set; } = new();

    /// <summary>What monitoring is told.</summary>
    public TelemetryOptions Telemetry { get; set; } = new();

    /// <summary>What may be done through the gateway, and what it remembers.</summary>
    public AdminOptions Admin { get; set; } = new();

    /// <summary>The models, by id.</summary>
    public Dictionary<string, ModelOptions> Models { get; set; } = new(StringComparer.Ordinal);
}
