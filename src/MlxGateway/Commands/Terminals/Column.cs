namespace MlxGateway.Commands.Terminals;

/// <summary>A column of a table.</summary>
/// <param name="Heading">Its name.</param>
/// <param name="Rank">What it is worth: where not all find room, lower numbers are shown first. 0 is always shown.</param>
/// <param name="IsNumber">Whether it is set to the right.</param>
internal sealed record Column(string Heading, int Rank = 0, bool IsNumber = false);

/// <summary>What a cell means, which its colour may say.</summary>
internal enum Tone
{
    /// <summary>Nothing in particular.</summary>
    Plain,

    /// <summary>All is well.</summary>
    Good,

    /// <summary>Worth a look.</summary>
    Warning,

    /// <summary>Wrong.</summary>
    Bad,

    /// <summary>Beside the point.</summary>
    Dim,
}

/// <summary>A cell of a table.</summary>
/// <param name="Text">What is in it.</param>
/// <param name="Tone">What it means.</param>
internal readonly record struct Cell(string Text, Tone Tone = Tone.Plain)
{
    public static implicit operator Cell(string? text) => new(text ?? "-");
}
