using MlxGateway.Supervision.Residency;

namespace MlxGateway.Telemetry;

/// <summary>The names of tags, by OpenTelemetry's conventions where these have one.</summary>
internal static class Tag
{
    public const string Operation = "gen_ai.operation.name";
    public const string Provider = "gen_ai.provider.name";
    public const string Model = "gen_ai.request.model";
    public const string TokenType = "gen_ai.token.type";
    public const string Route = "http.route";
    public const string Status = "http.response.status_code";
    public const string Error = "error.type";
    public const string Outcome = PoolMeasureNames.Outcome;
    public const string Finish = "mlxgateway.finish";

    /// <summary>The model of what is not a request.</summary>
    public const string Resident = PoolMeasureNames.Model;

    public const string Runner = PoolMeasureNames.Runner;
    public const string Reason = PoolMeasureNames.Reason;
    public const string State = "mlxgateway.state";
    public const string Version = "mlxgateway.version";
}
