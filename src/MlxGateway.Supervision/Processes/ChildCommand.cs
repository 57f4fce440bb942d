using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes;

/// <summary>What to start: an argument list that never passes through a shell, and a complete environment.</summary>
public sealed record ChildCommand
{
    /// <summary>A short name for logs and file names, for example <c>vision-3</c>.</summary>
    public required string Label { get; init; }

    /// <summary>An absolute path, or a name that is looked up in the <c>PATH</c> of <see cref="Environment"/>.</summary>
    public required string Executable { get; init; }

    /// <summary>The arguments behind the executable, each passed on as it is.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Every variable that the child gets; nothing is inherited beside it, except the marks by which it is recognised.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Where it starts; null: the gateway's own working directory.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>What it reads as its standard input, open until the start has returned; null: nothing.</summary>
    public SafeHandle? Input { get; init; }
}

/// <summary>How a child ended.</summary>
/// <param name="Code">Its exit code, if it ended by itself.</param>
/// <param name="Signal">The signal that ended it, if one did. Neither: the system did not say.</param>
public readonly record struct ChildExit(int? Code, int? Signal)
{
    /// <summary>For people: <c>exit code 1</c>, <c>signal 9 (SIGKILL)</c>.</summary>
    public override string ToString() =>
        Signal is { } signal ? $"signal {signal} ({Name(signal)})" : Code is { } code ? $"exit code {code}" : "an unknown exit code";

    private static string Name(int signal) => signal switch
    {
        1 => "SIGHUP", 2 => "SIGINT", 3 => "SIGQUIT", 4 => "SIGILL", 6 => "SIGABRT", 8 => "SIGFPE", 9 => "SIGKILL", 11 => "SIGSEGV", 13 => "SIGPIPE", 15 => "SIGTERM", _ => "unknown",
    };
}

/// <summary>The command could not be started at all: no such file, not executable, no memory for a process.</summary>
public sealed class ChildStartException(string message) : Exception(message);
