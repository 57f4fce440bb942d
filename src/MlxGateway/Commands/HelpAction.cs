using System.CommandLine;
using System.CommandLine.Invocation;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands;

/// <summary>What <c>--help</c> says of one command.</summary>
internal sealed class HelpAction(Terminal terminal) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var command = parseResult.CommandResult.Command;
        if (command is RootCommand)
        {
            HelpPage.Write(terminal);
            return Exits.Done;
        }

        var o = terminal.Out;
        o.WriteLine(terminal.Bold($"MlxGateway {PathOf(command)}"));
        HelpPage.Hang(terminal, "", command.Description ?? "");
        o.WriteLine();
        o.WriteLine($"  MlxGateway {PathOf(command)}{string.Concat(command.Arguments.Select(a => $" {FormOf(a)}"))}{(command.Subcommands.Count > 0 ? " COMMAND" : "")}{(command.Options.Count > 0 ? " [SWITCHES]" : "")}");
        List("Commands", command.Subcommands.Select(static c => (c.Name + string.Concat(c.Arguments.Select(a => $" {FormOf(a)}")), c.Description)));
        List("Arguments", command.Arguments.Select(static a => (FormOf(a), a.Description)));
        List("Switches", command.Options.Select(static o => (Spelt(o), o.Description)));
        if (Verbs.All.FirstOrDefault(v => v.Name == PathOf(command).Split(' ')[0]) is { Examples.Count: > 0 } verb)
        {
            o.WriteLine();
            o.WriteLine(terminal.Bold("Examples"));
            foreach (var example in verb.Examples)
            {
                o.WriteLine(example.Contains("MlxGateway ", StringComparison.Ordinal) ? $"  {example}" : $"  MlxGateway {example}");
            }
        }

        return Exits.Done;
    }

    /// <summary>The words that lead to a command: <c>config check</c>.</summary>
    public static string PathOf(Command command)
    {
        var names = new Stack<string>();
        for (Symbol? at = command; at is Command and not RootCommand; at = at.Parents.FirstOrDefault())
        {
            names.Push(at.Name);
        }

        return string.Join(' ', names);
    }

    private static string FormOf(Argument argument)
    {
        var name = argument.HelpName ?? argument.Name;
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static string Spelt(Option option) =>
        string.Join(", ", option.Aliases.Order(StringComparer.Ordinal).Append(option.Name)) + (option.HelpName is { } value ? $" {value}" : "");

    private void List(string heading, IEnumerable<(string Form, string? Sentence)> entries)
    {
        var all = entries.ToList();
        if (all.Count == 0)
        {
            return;
        }

        terminal.Out.WriteLine();
        terminal.Out.WriteLine(terminal.Bold(heading));
        var width = all.Max(static e => e.Form.Length);
        foreach (var (form, sentence) in all)
        {
            HelpPage.Hang(terminal, $"  {form.PadRight(width)} ", sentence ?? "");
        }
    }
}
