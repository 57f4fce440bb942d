using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What a model needs in memory when it is launched in one way, and why that is so.</summary>
/// <param name="Total">What it is counted with: the sum of the parts, or what was observed if that is more.</param>
/// <param name="Reason">The parts in words for a person: <c>weights 2.60 GB, KV cache 0.90 GB</c>, or <c>as configured</c>.</param>
public sealed record MemoryNeed(ByteSize Total, string Reason)
{
    /// <summary>How it is launched for this.</summary>
    public LaunchShape Shape { get; init; } = LaunchShape.Free;

    /// <summary>What the total is made of; none where it is configured or unknown.</summary>
    public ValueList<MemoryPart> Parts { get; init; } = [];

    /// <summary>The sum of the parts, whatever was observed; null where it is configured or unknown.</summary>
    public ByteSize? Estimate { get; init; }

    /// <summary>The most that it was ever seen to take when launched in this way; null: never seen.</summary>
    public ByteSize? Observed { get; init; }

    /// <summary>How long its last launch in this way took, by whatever gateway; null: never seen.</summary>
    public TimeSpan? LoadTime { get; init; }
}

/// <summary>One part of what a model needs.</summary>
/// <param name="Name">What it is, for a person: <c>weights</c>, <c>KV cache</c>.</param>
/// <param name="Bytes">How much of it.</param>
public readonly record struct MemoryPart(string Name, ByteSize Bytes);

/// <summary>What a model needs in each way in which it may be launched.</summary>
/// <param name="Choices">The ways, the best, which needs most, first. At least one.</param>
public sealed record MemoryNeeds(ValueList<MemoryNeed> Choices)
{
    /// <summary>The needs of a model that is launched in one way only.</summary>
    public static implicit operator MemoryNeeds(MemoryNeed only) => new([only]);

    /// <summary>What it needs as it is best launched.</summary>
    public MemoryNeed Best => Choices[0];

    /// <summary>The least with which it is of any use.</summary>
    public MemoryNeed Least => Choices[^1];

    /// <summary>The best way that needs no more than that; null: there is none.</summary>
    public MemoryNeed? Within(ByteSize room) => Choices.FirstOrDefault(need => need.Total <= room);
}
