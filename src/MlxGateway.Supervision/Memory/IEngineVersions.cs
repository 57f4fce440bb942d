namespace MlxGateway.Supervision.Memory;

/// <summary>Which engines are here now. What one version takes says little of another.</summary>
public interface IEngineVersions
{
    /// <summary>The version of the engine that a kind of runner needs; null: it has none, or nobody knows.</summary>
    /// <param name="kind">The kind of runner: <c>mlx_lm</c>.</param>
    string? VersionOf(string kind);
}
