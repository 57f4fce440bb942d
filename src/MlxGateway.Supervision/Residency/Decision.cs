namespace MlxGateway.Supervision.Residency;

/// <summary>What the pool decided.</summary>
public enum DecisionKind
{
    /// <summary>A model was launched.</summary>
    Launched,

    /// <summary>A runner that an earlier gateway kept was taken over.</summary>
    Adopted,

    /// <summary>A model was sent away for another one.</summary>
    Evicted,

    /// <summary>A swap that had begun was called off, and its victim stays.</summary>
    Spared,

    /// <summary>A model that nobody asked for any more was unloaded.</summary>
    IdledOut,

    /// <summary>A model was unloaded because somebody said so, or because its configuration changed.</summary>
    Unloaded,

    /// <summary>A request was refused.</summary>
    Refused,

    /// <summary>A launch failed, or a runner died.</summary>
    Failed,

    /// <summary>A background request was ended, or refused, because it was in a person's way.</summary>
    Yielded,
}

/// <summary>One decision of the pool, with its reason.</summary>
/// <param name="At">When.</param>
/// <param name="Kind">What it was.</param>
/// <param name="Model">Whom it concerned.</param>
/// <param name="For">For whose sake; null: nobody's.</param>
/// <param name="Reason">Why, with numbers, as a phrase for a person: <c>idle 312 s, reload 2.1 s, frees 3.40 GB for qwen</c>.</param>
public sealed record Decision(DateTimeOffset At, DecisionKind Kind, string Model, string? For, string Reason);
