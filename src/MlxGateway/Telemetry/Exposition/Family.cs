namespace MlxGateway.Telemetry.Exposition;

/// <summary>What a family is in Prometheus' text.</summary>
internal enum FamilyType
{
    /// <summary>It only grows.</summary>
    Counter,

    /// <summary>It goes up and down.</summary>
    Gauge,

    /// <summary>Counts by size, with a sum.</summary>
    Histogram,
}

/// <summary>One family of <c>/metrics</c>: what of an instrument is shown, and under which name. Several may show the same one, for readers who know it by another name.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">What it is.</param>
/// <param name="Help">What it says, for a person.</param>
/// <param name="Instrument">Whose measurements they are.</param>
/// <param name="Labels">The labels, each with the tag that it is made of. Series that differ in other tags alone are added up.</param>
internal sealed record Family(string Name, FamilyType Type, string Help, string Instrument, params (string Label, string Tag)[] Labels)
{
    /// <summary>Whether measurements are counted, and not added up.</summary>
    public bool Counts { get; init; }

    /// <summary>The only measurements that are shown: those whose tag has one of these values; null: all.</summary>
    public (string Tag, string[] Values)? Only { get; init; }

    /// <summary>Whether a series is shown.</summary>
    public bool Shows(Series series) => Only is not { } only || only.Values.Contains(series.TextOf(only.Tag), StringComparer.Ordinal);
}
