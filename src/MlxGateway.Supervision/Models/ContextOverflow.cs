namespace MlxGateway.Supervision.Models;

/// <summary>What becomes of a conversation that is longer than the model's context.</summary>
public enum ContextOverflow
{
    /// <summary>Its older messages are summarised by the model itself; refused is only what does not fit even then.</summary>
    Compact,

    /// <summary>It is refused before anything is generated.</summary>
    Refuse,

    /// <summary>It is the engine's affair; nothing is counted.</summary>
    Off,
}
