namespace MlxGateway.Supervision.Residency;

/// <summary>By which names whoever wants to know what the pool does listens to it.</summary>
public static class PoolMeasureNames
{
    /// <summary>The name of its meter and of its source of spans.</summary>
    public const string Source = "MlxGateway.Residency";

    /// <summary>The tag that names the model.</summary>
    public const string Model = "mlxgateway.model";

    /// <summary>The tag that names the kind of its runner.</summary>
    public const string Runner = "mlxgateway.runner";

    /// <summary>The tag that says how a launch went: <c>ready</c>, <c>failed</c>, <c>cancelled</c>.</summary>
    public const string Outcome = "mlxgateway.outcome";

    /// <summary>The tag that says why a model left: <c>swap</c>, <c>idle</c>, <c>unload</c>, <c>failure</c>, <c>shutdown</c>, or <c>kept</c> for the next gateway.</summary>
    public const string Reason = "mlxgateway.reason";
}
