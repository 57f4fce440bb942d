namespace MlxGateway.Supervision.Models;

/// <summary>Somewhere that models are known from.</summary>
public interface IModelSource
{
    /// <summary>The models that are known now, in the order in which they shall win a name that several claim. Looks at the disk. Never throws for what it finds there.</summary>
    IReadOnlyList<ModelSpec> Read(ModelSettings settings);
}
