namespace MlxGateway.Inference;

/// <summary>Marks a route that changes something though its method says that it only looks. It is guarded like any other that changes something.</summary>
internal sealed class ChangesState
{
    public static ChangesState Marker { get; } = new();
}
