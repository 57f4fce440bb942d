using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Connecting;

/// <summary>How a client's settings are printed: what is to be copied is never broken, and nothing stands in front of it.</summary>
internal static class ConnectPage
{
    /// <summary>Writes them.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="client">Whose they are.</param>
    /// <param name="connection">What they say.</param>
    /// <param name="files">Whether the files are shown too.</param>
    public static void Write(Terminal terminal, Client client, Connection connection, bool files)
    {
        var o = terminal.Out;
        var settings = client.Settings(connection);
        if (files)
        {
            o.WriteLine(terminal.Bold($"{client.Title} with {Terminal.Clean(connection.Model)} ({Spans.Of(connection.Context)} tokens of context)"));
            if (!client.IsTried)
            {
                HelpPage.Hang(terminal, "", "These settings follow its documentation and have not been tried.");
            }

            foreach (var file in settings.Files)
            {
                o.WriteLine();
                o.WriteLine(terminal.Dim($"# {file.Path}"));
                o.WriteLine(Terminal.Clean(file.Text));
            }
        }

        if (settings.Variables.Count > 0)
        {
            o.WriteLine();
            o.WriteLine(terminal.Dim("# environment"));
            foreach (var (name, value) in settings.Variables)
            {
                o.WriteLine($"export {name}={Terminal.Clean(Shell.Word(value))}");
            }
        }

        if (settings.Code is { } code)
        {
            o.WriteLine();
            o.WriteLine(Terminal.Clean(code));
        }

        if (settings.Start is { } start)
        {
            o.WriteLine();
            o.WriteLine(terminal.Dim("# start"));
            o.WriteLine(Terminal.Clean(start));
        }

        if (settings.Steps.Count > 0)
        {
            o.WriteLine();
            foreach (var step in settings.Steps)
            {
                HelpPage.Hang(terminal, "*", Terminal.Clean(step));
            }
        }
    }
}
