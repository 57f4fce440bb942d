namespace MlxGateway.Simulation;

/// <summary>A law was broken. The message says which, and by whom.</summary>
internal sealed class BreachException(string message) : Exception(message);
