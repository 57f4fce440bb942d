namespace MlxGateway.Commands.Terminals;

/// <summary>One line that is written over, for what is only of interest while it lasts. Where no person reads it, it is not written.</summary>
internal sealed class StatusLine(Terminal terminal)
{
    private const string Over = "\r\e[K";
    private string _shown = "";

    /// <summary>Shows this in place of what was there.</summary>
    public void Show(string text)
    {
        if (!terminal.IsErrorTerminal || text == _shown)
        {
            return;
        }

        var room = (terminal.Width ?? 80) - 1;
        var line = Terminal.Clean(text).Replace('\n', ' ');
        terminal.Error.Write(Over + (line.Length > room ? line[..(room - 1)] + "…" : line));
        terminal.Error.Flush();
        _shown = text;
    }

    /// <summary>Takes it away.</summary>
    public void Clear()
    {
        if (_shown.Length > 0)
        {
            terminal.Error.Write(Over);
            terminal.Error.Flush();
            _shown = "";
        }
    }
}
