using System.CommandLine;

namespace MlxGateway.Commands;

/// <summary>A word that a command line may begin with. Its command is made only when it is needed: most lines need one, and the start of all would cost more than the work.</summary>
/// <param name="Name">The word.</param>
/// <param name="Group">Under which heading the help page lists it.</param>
/// <param name="Form">It and what stands behind it, as the help page writes it.</param>
/// <param name="Sentence">What it does.</param>
/// <param name="Build">Makes its command.</param>
internal sealed record Verb(string Name, string Group, string Form, string Sentence, Func<Tools, Command> Build)
{
    /// <summary>Lines that people may copy, without the program's name.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];
}
