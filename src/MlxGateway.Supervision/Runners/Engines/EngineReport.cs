using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>What a search for an engine found.</summary>
/// <param name="Engine">The kind that needs it.</param>
/// <param name="Path">Where it is; null: not found.</param>
/// <param name="Version">What it says of its version.</param>
/// <param name="PassedOver">What was looked at and not taken, each with the reason.</param>
/// <param name="Install">The one command that installs it on this kind of machine, or, where <see cref="NotHere"/> says that it cannot be had, what can take its place.</param>
public sealed record EngineReport(string Engine, string? Path, string? Version, IReadOnlyList<string> PassedOver, string Install)
{
    /// <summary>How much of the machine's memory the engine's device may hold at once; null: it knows of no such limit.</summary>
    public ByteSize? RecommendedWorkingSet { get; init; }

    /// <summary>Why it cannot be installed on this kind of machine, as a phrase that names what can; null: it can.</summary>
    public string? NotHere { get; init; }

    /// <summary>What <c>pip install</c> is told so that it comes into one certain Python; null: it is no Python package.</summary>
    public string? Pip { get; init; }

    /// <summary>Changes when the engine does: another place, another version, newly installed. Null: it is not known to.</summary>
    public string? Stamp { get; init; }

    /// <summary>The options that its command line knows, each with its dashes; null: nobody has looked.</summary>
    public IReadOnlyList<string>? Options { get; init; }

    /// <summary>What to do so that it is there, as the rest of a sentence: <c>install it with: COMMAND</c>.</summary>
    public string Advice => NotHere is null ? $"install it with: {Install}" : $"{NotHere}: {Install}";

    /// <summary>Of <see cref="PassedOver"/> what somebody may not expect: most machines have several Pythons, and that the engine is in none of them is said already.</summary>
    public IEnumerable<string> UnexpectedlyPassedOver => PassedOver.Where(why => !why.EndsWith($": {PythonFacts.Lacks(Engine)}", StringComparison.Ordinal));

    /// <summary>Whether it can be used.</summary>
    public bool IsFound => Path is not null;

    /// <summary>Where it is.</summary>
    /// <param name="program">What a person calls it.</param>
    /// <exception cref="LaunchFailedException">It was not found; the message says what was tried and names the command that installs it.</exception>
    internal string Require(string program) => Path ?? throw new LaunchFailedException(PassedOver.Count == 0
        ? $"{program} is not installed. {Sentence}"
        : $"No usable {program} was found ({string.Join("; ", PassedOver)}). {Sentence}");

    /// <summary>What a search found that says how to install the engine on this machine.</summary>
    internal static EngineReport Of(string engine, string? path, string? version, IReadOnlyList<string> passedOver)
    {
        var how = EngineInstall.Of(engine, InstallMachine.Here());
        return new EngineReport(engine, path, version, passedOver, how.Command) { NotHere = how.NotHere, Pip = how.Pip };
    }

    private string Sentence => $"{char.ToUpperInvariant(Advice[0])}{Advice.AsSpan(1)}";
}

/// <summary>An engine that the gateway looks for on the machine.</summary>
public interface IEngine
{
    /// <summary>The kind that needs it.</summary>
    string Name { get; }

    /// <summary>Looks for it, or gives what was found before as long as that is still there.</summary>
    Task<EngineReport> FindAsync(CancellationToken cancellationToken);
}
