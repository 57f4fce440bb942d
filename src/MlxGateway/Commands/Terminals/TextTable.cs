namespace MlxGateway.Commands.Terminals;

/// <summary>A table for people: framed on a terminal with colours, bare lines of words everywhere else, and never wider than the terminal as long as there is a column to leave out.</summary>
internal sealed class TextTable(params IReadOnlyList<Column> columns)
{
    private const int Gap = 2;
    private const int FramePerColumn = 3;

    private readonly List<Cell[]> _rows = [];

    /// <summary>How many rows it has.</summary>
    public int Count => _rows.Count;

    /// <summary>Adds a row.</summary>
    public void Add(params Cell[] cells) => _rows.Add([.. cells.Select(static c => c with { Text = Terminal.Clean(c.Text).Replace('\n', ' ') })]);

    /// <summary>Writes it.</summary>
    public void Write(Terminal terminal)
    {
        var shown = Shown(terminal);
        var kept = shown.Select(i => columns[i]).ToList();
        var rows = _rows.ConvertAll(row => shown.Select(i => row[i]).ToArray());
        if (terminal.HasColour && terminal.Width is { } width)
        {
            FramedTable.Write(terminal, kept, rows, width);
        }
        else
        {
            BareTable.Write(terminal, kept, rows);
        }
    }

    // Those that never go, then by their worth what finds room beside them, in the order of the table.
    private List<int> Shown(Terminal terminal)
    {
        var between = terminal.HasColour ? FramePerColumn : Gap;
        var room = (terminal.Width ?? int.MaxValue) - (terminal.HasColour ? 1 : -Gap);
        var shown = new List<int>();
        foreach (var i in Enumerable.Range(0, columns.Count).OrderBy(i => columns[i].Rank))
        {
            var width = _rows.Select(row => row[i].Text.Length).Append(columns[i].Heading.Length).Max() + between;
            if (columns[i].Rank == 0 || width <= room)
            {
                shown.Add(i);
                room -= width;
            }
        }

        return [.. shown.Order()];
    }
}
