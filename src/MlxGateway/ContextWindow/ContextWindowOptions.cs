using System.ComponentModel.DataAnnotations;

namespace MlxGateway.ContextWindow;

/// <summary><c>MlxGateway:ContextWindow</c>: how conversations are made to fit.</summary>
public sealed class ContextWindowOptions
{
    /// <summary>How many messages at the end of a conversation are never summarised.</summary>
    [Range(1, 1000)]
    public int KeepMessages { get; set; } = 6;

    /// <summary>The part by which an estimated number of tokens is raised, because no engine counted it.</summary>
    [Range(0.0, 1.0)]
    public double Margin { get; set; } = 0.1;

    /// <summary>How many summaries are kept in memory for the next turns of their conversations.</summary>
    [Range(0, 100_000)]
    public int Summaries { get; set; } = 256;
}
