namespace MlxGateway.Commands.Checking;

/// <summary>How things are.</summary>
internal enum Verdict
{
    /// <summary>As they should be.</summary>
    Ok,

    /// <summary>It works, but something will be missed.</summary>
    Warning,

    /// <summary>Something does not work.</summary>
    Problem,
}

/// <summary>What a check found.</summary>
/// <param name="Area">Where: a word or two.</param>
/// <param name="Verdict">How it is.</param>
/// <param name="Sentence">What it is, with numbers.</param>
/// <param name="Fix">What mends it: a command, where there is one. Null: nothing has to be mended.</param>
internal sealed record Finding(string Area, Verdict Verdict, string Sentence, string? Fix = null)
{
    /// <summary>What else was seen, a line each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}

/// <summary>Looks at one thing that a gateway needs. Changes nothing.</summary>
internal interface ICheck
{
    /// <summary>Looks.</summary>
    Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken);
}
