using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>What a field of a request body must be.</summary>
public enum FieldShape
{
    /// <summary>Anything.</summary>
    Any,

    /// <summary>Nothing: whoever sends it wants what cannot be given. False and null are no wish.</summary>
    Never,

    /// <summary>A text.</summary>
    Text,

    /// <summary>A text, or a list of texts.</summary>
    Texts,

    /// <summary>True or false.</summary>
    Boolean,

    /// <summary>A whole number.</summary>
    WholeNumber,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A number that the engine takes only with a decimal point; a whole one is given it.</summary>
    Fraction,

    /// <summary>A list.</summary>
    List,

    /// <summary>An object.</summary>
    Map,
}

/// <summary>One field that an engine is particular about.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">What it must be; anything else is refused.</param>
public sealed record FieldRule(string Name, FieldShape Shape)
{
    /// <summary>The least number, if there is one.</summary>
    public double Min { get; init; } = double.NegativeInfinity;

    /// <summary>The greatest number, if there is one.</summary>
    public double Max { get; init; } = double.PositiveInfinity;

    /// <summary>The routes on which it must be there.</summary>
    public ValueList<string> RequiredOn { get; init; } = [];

    /// <summary>Whether it is taken out: it would make the engine do what only the gateway may decide.</summary>
    public bool IsDropped { get; init; }

    /// <summary>Whether it is taken out unless this member of it is true.</summary>
    public string? DroppedUnless { get; init; }
}

/// <summary>What must be done to a request body before an engine can have it. Applied before the model is asked for, so that a refusal costs no load.</summary>
/// <param name="Fields">The fields that matter; all others pass as they are.</param>
public sealed record RequestRules(IReadOnlyList<FieldRule> Fields)
{
    /// <summary>The rules of an engine that takes everything.</summary>
    public static RequestRules None { get; } = new([]);

    /// <summary>Whether members that are null are taken out, because the engine takes null for a wrong type.</summary>
    public bool DropsNulls { get; init; }

    /// <summary>Whether the engine knows nothing but text in the parts of a message.</summary>
    public bool IsTextOnly { get; init; }
}
