using Spectre.Console;

namespace MlxGateway.Commands.Terminals;

/// <summary>A table with a frame and colours.</summary>
internal static class FramedTable
{
    /// <summary>Writes it; cells that do not fit are broken into lines.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> rows, int width)
    {
        var table = new Table { Border = TableBorder.Rounded, BorderStyle = new Style(decoration: Decoration.Dim) };
        foreach (var column in columns)
        {
            var heading = new TableColumn(new Text(column.Heading, new Style(decoration: Decoration.Bold)));
            table.AddColumn(column.IsNumber ? heading.RightAligned() : heading);
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(static cell => new Text(cell.Text, StyleOf(cell.Tone))));
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(terminal.Out),
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = true;
        console.Write(table);
    }

    private static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Good => new Style(Color.Green),
        Tone.Warning => new Style(Color.Yellow),
        Tone.Bad => new Style(Color.Red),
        Tone.Dim => new Style(decoration: Decoration.Dim),
        _ => Style.Plain,
    };
}
