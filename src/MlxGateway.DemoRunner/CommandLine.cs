using System.Text;

namespace MlxGateway.DemoRunner;

/// <summary>The command line: parsed strictly, because a misspelt fault that is ignored makes a test pass for nothing.</summary>
internal static class CommandLine
{
    private static readonly Switch<RunnerOptions>[] All =
    [
        new("port", "N", "the port on 127.0.0.1 (8080); 0: a free one, named on standard output", (o, text) => o with { Port = Values.Whole(text, 0, 65_535) }),
        new("model", "ID", "the model id (demo)", (o, text) => o with { Model = text }),
        new("memory", "SIZE", "really takes that much memory, such as 300MB", (o, text) => o with { MemoryBytes = Values.Bytes(text) }),
        new("load-time", "SECONDS", "answers 503 to everything for that long", (o, text) => o with { LoadTime = Values.Seconds(text) }),
        new("load-until", "FILE", "answers 503 to everything until there is such a file", (o, text) => o with { LoadUntil = text }),
        new("answer-until", "FILE", "sends no byte of a completion until there is such a file", (o, text) => o with { AnswerUntil = text }),
        new("listen-late", null, "opens the port only once it is ready", (o, text) => o with { ListenLate = Values.Flag(text) }),
        new("never-ready", null, "stays at 503 for ever", (o, text) => o with { NeverReady = Values.Flag(text) }),
        new("exit-at-start", "CODE", "loads, prints a line to standard error and exits", (o, text) => o with { ExitAtStart = Values.Whole(text, 0, 255) }),
        new("ignore-sigterm", null, "SIGTERM has no effect", (o, text) => o with { IgnoreSigterm = Values.Flag(text) }),
        new("finish-on-sigterm", null, "SIGTERM waits for the answers under way, however long", (o, text) => o with { FinishOnSigterm = Values.Flag(text) }),
        new("flood-stderr", null, "writes lines to standard error without end", (o, text) => o with { FloodStderr = Values.Flag(text) }),
        new("progress", null, "draws a progress bar on standard error while it loads", (o, text) => o with { Progress = Values.Flag(text) }),
        new("spawn-child", null, "has a child process that sleeps", (o, text) => o with { SpawnChild = Values.Flag(text) }),
        new("spawn-escaped", null, "has a grandchild that left its session and group", (o, text) => o with { SpawnEscaped = Values.Flag(text) }),
        new("hang-accept", null, "accepts connections and never answers", (o, text) => o with { HangAccept = Values.Flag(text) }),
        new("require-key", "KEY", "wants this bearer key for everything under /v1", (o, text) => o with { RequireKey = text }),
        .. AnswerSwitches.All.Select(s => new Switch<RunnerOptions>(s.Name, s.Argument, s.Help, (o, text) => o with { Answer = s.Apply(o.Answer, text) })),
    ];

    /// <summary>What the arguments ask for.</summary>
    /// <exception cref="FormatException">An argument is unknown, lacks its value or has one that makes no sense.</exception>
    public static RunnerOptions Parse(ReadOnlySpan<string> args)
    {
        var options = new RunnerOptions();
        while (!args.IsEmpty)
        {
            var name = args[0];
            var found = name.StartsWith("--", StringComparison.Ordinal) ? Array.Find(All, s => s.Name == name[2..]) : null;
            if (found is null)
            {
                throw new FormatException($"unknown argument '{name}'");
            }

            var taken = found.Argument is null ? 1 : 2;
            if (args.Length < taken)
            {
                throw new FormatException($"{name} wants {found.Argument}");
            }

            try
            {
                options = found.Apply(options, found.Argument is null ? "true" : args[1]);
            }
            catch (FormatException error)
            {
                throw new FormatException($"{name}: {error.Message}", error);
            }

            args = args[taken..];
        }

        return options;
    }

    /// <summary>Every switch in a line of its own.</summary>
    public static string Help()
    {
        var text = new StringBuilder("A small OpenAI-compatible server that only pretends to be a language model. It listens on 127.0.0.1.\n\n");
        foreach (var one in All)
        {
            text.Append("  ").Append($"--{one.Name} {one.Argument}".PadRight(24)).Append(one.Help).Append('\n');
        }

        return text.Append("\nThe switches from --say on can also be asked for by one request: \"demo\": {\"tokens\": 5, \"token_delay\": 0.05, \"die_after\": 2}\n").ToString();
    }
}
