using System.CommandLine;
using System.CommandLine.Help;
using MlxGateway.Commands.Terminals;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Commands;

/// <summary>Decides what a command line asks for. Without a verb in front it serves, with all switches as they are.</summary>
internal static class CommandLine
{
    /// <summary>Does what the line says and returns the exit code.</summary>
    public static Task<int> RunAsync(string[] args, House house) => args switch
    {
        ["serve", .. var switches] when !switches.Any(IsHelp) => house.Serve(switches),
        [] => house.Serve(args),
        [var first, ..] when first.StartsWith('-') && !IsHelp(first) && first != "--version" => house.Serve(args),
        _ => RunAsync(args, new Tools(house, Terminal.OfThisProcess(), TimeProvider.System, Environment.GetEnvironmentVariable)),
    };

    /// <summary>The same for everything but serving.</summary>
    public static async Task<int> RunAsync(string[] args, Tools tools)
    {
        try
        {
            return await DoAsync(args, tools);
        }
        catch (IOException unwritten) when (Terminal.IsReaderGone(unwritten))
        {
            return Exits.Done; // who reads this has had enough
        }
        catch (Exception unwritten) when (unwritten is IOException or UnauthorizedAccessException)
        {
            return tools.Fail(Exits.Refused, $"What there is to say could not be written: {(unwritten.InnerException ?? unwritten).Message}");
        }
    }

    private static async Task<int> DoAsync(string[] args, Tools tools)
    {
        if (args is [var word, ..] && (IsHelp(word) || word == "help") && args.Length == 1)
        {
            HelpPage.Write(tools.Terminal);
            return Exits.Done;
        }

        args = args is ["help", .. var about] ? [.. about, "--help"] : args;
        if (args is ["--version", ..])
        {
            tools.Terminal.Out.WriteLine(Versions.OfThisProgram);
            return Exits.Done;
        }

        if (args is [CompletionVerb.Question, .. var words])
        {
            return CompletionVerb.Answer(words, tools);
        }

        var root = Root(args, tools);
        var parse = root.Parse(args);
        if ((parse.Errors.Count > 0 && !args.Any(IsHelp)) || (parse.CommandResult.Command is RootCommand && args is [var other, ..] && !other.StartsWith('-')))
        {
            return Misunderstood(args, parse, tools);
        }

        return await parse.InvokeAsync(new InvocationConfiguration
        {
            Output = tools.Terminal.Out,
            Error = tools.Terminal.Error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null, // Ctrl+C ends the program at once; who wants more of it listens itself
        });
    }

    /// <summary>The command that the line begins with; all, where it begins with none.</summary>
    internal static RootCommand Root(IReadOnlyList<string> args, Tools tools)
    {
        var root = new RootCommand();
        var named = args.Count == 0 ? null : Verbs.All.FirstOrDefault(v => v.Name == args[0]);
        foreach (var verb in named is null ? Verbs.All : [named])
        {
            root.Subcommands.Add(verb.Build(tools));
        }

        foreach (var help in root.Options.OfType<HelpOption>())
        {
            help.Action = new HelpAction(tools.Terminal);
        }

        return root;
    }

    private static int Misunderstood(string[] args, ParseResult parse, Tools tools)
    {
        var command = parse.CommandResult.Command;
        if (command is RootCommand)
        {
            var near = Spelling.Nearest(args[0], Verbs.All.Select(static v => v.Name), 1);
            return tools.Fail(Exits.Usage, $"\"{args[0]}\" is not a command{(near.Count > 0 ? $"; did you mean {near[0]}?" : ".")} MlxGateway --help lists them.");
        }

        foreach (var error in parse.Errors)
        {
            tools.Terminal.Error.WriteLine(Terminal.Clean(error.Message));
        }

        return tools.Fail(Exits.Usage, $"MlxGateway {HelpAction.PathOf(command)} --help says how it is written.");
    }

    private static bool IsHelp(string word) => word is "--help" or "-h" or "-?";
}
