using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands;

/// <summary>The page that <c>--help</c> shows.</summary>
internal static class HelpPage
{
    /// <summary>Writes it.</summary>
    public static void Write(Terminal terminal)
    {
        var o = terminal.Out;
        o.WriteLine(terminal.Bold($"MlxGateway {Versions.OfThisProgram}") + ": one port in front of every local model.");
        o.WriteLine();
        o.WriteLine("  MlxGateway [SWITCHES]           serves; serve --help lists the switches");
        o.WriteLine("  MlxGateway COMMAND [ARGUMENTS]  talks to the gateway that runs, or sets it up");
        foreach (var group in Verbs.All.GroupBy(static v => v.Group))
        {
            o.WriteLine();
            o.WriteLine(terminal.Bold(group.Key));
            foreach (var verb in group)
            {
                Hang(terminal, $"  {verb.Form,-18}", verb.Sentence);
            }
        }

        o.WriteLine();
        o.WriteLine(terminal.Bold("Examples"));
        o.WriteLine("  MlxGateway                                  # serve; then, in another window:");
        o.WriteLine("  MlxGateway models");
        o.WriteLine("  MlxGateway run qwen 'Why is the sky blue?'");
        o.WriteLine("  MlxGateway connect opencode --model qwen    # what to put into its settings");
        o.WriteLine("  MlxGateway doctor                           # something is wrong?");
        o.WriteLine();
        o.WriteLine(terminal.Bold("Where the gateway is"));
        o.WriteLine("  --url ADDRESS, else MLXGATEWAY_URL, else as configured: http://127.0.0.1:1234.");
        o.WriteLine("  --key KEY, else MLXGATEWAY_API_KEY, where it wants a key. --json for scripts.");
        o.WriteLine();
        o.WriteLine(terminal.Bold("Exit codes"));
        o.WriteLine("   0 done                   1 the gateway refused, or a check found a problem");
        o.WriteLine("  64 wrong command line    69 no gateway answers    75 the port is taken");
        o.WriteLine("  78 wrong configuration  130 Ctrl+C");
        o.WriteLine();
        o.WriteLine("MlxGateway COMMAND --help says more of each.");
    }

    /// <summary>Writes words beside a heading, broken so that they stay beside it.</summary>
    internal static void Hang(Terminal terminal, string heading, string words)
    {
        var room = Math.Max(20, Math.Min(terminal.Width ?? 100, 120) - heading.Length - 1);
        foreach (var (line, isFirst) in Wrapping.Lines(words, room).Select(static (line, i) => (line, i == 0)))
        {
            terminal.Out.WriteLine(heading.Length == 0 ? line : (isFirst ? heading : new string(' ', heading.Length)) + " " + line);
        }
    }
}
