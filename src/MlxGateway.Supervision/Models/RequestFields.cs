namespace MlxGateway.Supervision.Models;

/// <summary>What the configuration says of the fields of a model's requests.</summary>
public sealed record RequestFields
{
    /// <summary>Nothing.</summary>
    public static RequestFields None { get; } = new();

    /// <summary>The JSON of fields that a request does not name, or names as null.</summary>
    public ValueMap Defaults { get; init; } = ValueMap.Empty;

    /// <summary>The JSON of fields, whatever a request says of them.</summary>
    public ValueMap Forced { get; init; } = ValueMap.Empty;

    /// <summary>Fields that are taken out.</summary>
    public ValueList<string> Forbidden { get; init; } = [];

    /// <summary>The instructions of a conversation that has none; null: it stays without.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>Whether there is nothing to do.</summary>
    public bool IsEmpty => Defaults.Entries.Count == 0 && Forced.Entries.Count == 0 && Forbidden.Count == 0;
}
