using MlxGateway.Inference.Describing;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Listing;

/// <summary>
/// What <c>GET /props</c> tells where no model is named: what llama.cpp's router tells of itself, by which its clients know that models are named, loaded and unloaded here. Nothing is loaded for it.
/// </summary>
internal sealed record GatewayProps
{
    /// <summary>An example, for the description of the API.</summary>
    public const string Example = """
        {"role":"router","max_instances":1,"models_autoload":true,"model_alias":"mlxgateway","model_path":"none","default_generation_settings":{"params":null,"n_ctx":0},"build_info":"mlxgateway-0.1.0","cors_proxy_enabled":false}
        """;

    /// <summary>Always <c>router</c>.</summary>
    public string Role { get; init; } = "router";

    /// <summary>How many models may be in memory at once; 0: as many as fit.</summary>
    public required int MaxInstances { get; init; }

    /// <summary>Always true: a model that is asked for is loaded.</summary>
    public bool ModelsAutoload { get; init; } = true;

    /// <summary>Always <c>mlxgateway</c>; clients want some name.</summary>
    public string ModelAlias { get; init; } = "mlxgateway";

    /// <summary>Always <c>none</c>, as there.</summary>
    public string ModelPath { get; init; } = "none";

    /// <summary>None, as there: each model has its own.</summary>
    public GatewayGenerationSettings DefaultGenerationSettings { get; init; } = new(null, 0);

    /// <summary>Which gateway this is.</summary>
    public string BuildInfo { get; init; } = $"mlxgateway-{GatewayVersion.Number}";

    /// <summary>Always false: the gateway fetches nothing for a page.</summary>
    public bool CorsProxyEnabled { get; init; }

    /// <summary>What is told at this moment.</summary>
    public static GatewayProps Of(PoolSnapshot now) => new() { MaxInstances = now.MaxResident };
}

/// <summary>How a server that has no model generates.</summary>
/// <param name="Params">Always null, as there.</param>
/// <param name="NCtx">0.</param>
internal sealed record GatewayGenerationSettings(IReadOnlyDictionary<string, string>? Params, int NCtx);
