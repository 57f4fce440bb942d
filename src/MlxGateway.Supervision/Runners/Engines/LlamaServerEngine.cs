using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Finds llama.cpp's <c>llama-server</c> and remembers it by path and time of change, so that an upgrade is noticed and nothing else costs.</summary>
internal sealed partial class LlamaServerEngine(EngineOptions options, EngineProbe probe) : IEngine
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);
    private readonly Lock _lock = new();
    private (EngineReport Report, DateTime Changed)? _found;
    private (EngineReport Report, IReadOnlySet<string> Flags)? _flags;

    /// <inheritdoc/>
    public string Name => "llama_server";

    /// <summary>The path of the program.</summary>
    /// <exception cref="LaunchFailedException">There is none; the message names the command that installs it.</exception>
    public async ValueTask<string> RequireAsync(CancellationToken cancellationToken) => (await FindAsync(cancellationToken)).Require("llama-server");

    /// <summary>The flags that the program says it has, with their dashes, and <c>--flash-attn on</c> where that one takes a value: versions differ in them, and one that does not know a flag does not start. Empty where it does not say.</summary>
    public async ValueTask<IReadOnlySet<string>> FlagsAsync(CancellationToken cancellationToken)
    {
        var report = await FindAsync(cancellationToken);
        lock (_lock)
        {
            if (_flags is { } known && ReferenceEquals(known.Report, report))
            {
                return known.Flags;
            }
        }

        var answer = report.Path is { } path ? await probe.AskAsync("llama-server-help", path, ["--help"], ProbeTimeout, cancellationToken) : null;
        var flags = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in answer?.Lines ?? [])
        {
            // A line that begins with a dash names one flag in all its spellings; the others are prose.
            var names = FlagName().Matches(line.StartsWith('-') ? line : "");
            flags.UnionWith(names.Select(name => name.Value));
            if (FlashAttention().IsMatch(line))
            {
                flags.Add("--flash-attn on");
            }
        }

        lock (_lock)
        {
            _flags = (report, flags);
        }

        return flags;
    }

    /// <inheritdoc/>
    public async Task<EngineReport> FindAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_found is { Report.Path: { } path } found && File.Exists(path) && File.GetLastWriteTimeUtc(path) == found.Changed)
            {
                return found.Report;
            }
        }

        var report = await SearchAsync(cancellationToken);
        lock (_lock)
        {
            _found = report.Path is { } path ? (report, File.GetLastWriteTimeUtc(path)) : null;
        }

        return report;
    }

    private async Task<EngineReport> SearchAsync(CancellationToken cancellationToken)
    {
        var passedOver = new List<string>();
        foreach (var candidate in Candidates(passedOver))
        {
            var (version, why) = await AskAsync(candidate, cancellationToken);
            if (version is not null)
            {
                return EngineReport.Of(Name, candidate, version, passedOver);
            }

            passedOver.Add($"{candidate}: {why}");
        }

        return EngineReport.Of(Name, null, null, passedOver);
    }

    private IEnumerable<string> Candidates(List<string> passedOver)
    {
        if (options.LlamaServer.Executable is not { } configured)
        {
            return ExecutablePlaces.Of("llama-server");
        }

        // A configured program is the only one: taking another in its place would hide the mistake.
        if (!Path.IsPathRooted(configured) && !configured.Contains('/', StringComparison.Ordinal))
        {
            return ExecutablePlaces.Of(configured);
        }

        var full = Path.GetFullPath(configured);
        if (File.Exists(full))
        {
            return [full];
        }

        passedOver.Add($"{full}: does not exist");
        return [];
    }

    private async Task<(string? Version, string? Why)> AskAsync(string path, CancellationToken cancellationToken)
    {
        var answer = await probe.AskAsync("llama-server-version", path, ["--version"], ProbeTimeout, cancellationToken);
        if (answer.Exit is not { } exit)
        {
            return (null, answer.NotStarted ?? $"--version did not end within {ProbeTimeout.TotalSeconds:0} s");
        }

        var version = answer.Lines.Select(l => VersionLine().Match(l)).FirstOrDefault(m => m.Success)?.Groups[1].Value;
        return version is not null ? (version, null) : (null, $"--version ended with {exit} and said nothing of a version{(answer.Lines.Count > 0 ? $" but: {answer.Lines[^1]}" : "")}");
    }

    [GeneratedRegex(@"version:\s*(.+?)\s*$")]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"(?<![\w-])--?[a-z][a-z0-9-]*")]
    private static partial Regex FlagName();

    [GeneratedRegex(@"^-.*--flash-attn\s+\[on\|")]
    private static partial Regex FlashAttention();
}
