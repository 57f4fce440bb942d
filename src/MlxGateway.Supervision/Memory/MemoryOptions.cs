using System.ComponentModel.DataAnnotations;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Memory;

/// <summary><c>MlxGateway:Memory</c>: how much memory models may use.</summary>
public sealed class MemoryOptions
{
    /// <summary>The most that all models together may use; <c>auto</c> (null): what the machine or its container has.</summary>
    [AutoIsNull]
    public ByteSize? Budget { get; set; }

    /// <summary>What is left to everything else; taken off the budget and off what is available.</summary>
    public ByteSize Reserve { get; set; } = ByteSize.FromGigabytes(3);

    /// <summary>What a model is taken to need when neither its configuration nor its files say it.</summary>
    public ByteSize DefaultRequirement { get; set; } = ByteSize.FromGigabytes(4);

    /// <summary>The shortest context, in tokens, that a model is launched with so that it fits; one that does not fit even so is refused. Less where the model itself, or its configuration, has less.</summary>
    [Range(256, 100_000_000)]
    public int MinimumContext { get; set; } = 4096;
}
