namespace MlxGateway.Commands.Terminals;

/// <summary>A table of words and blanks, which other programs can cut apart.</summary>
internal static class BareTable
{
    private const int Gap = 2;
    private const int Narrowest = 12;

    /// <summary>Writes it. A terminal's last column is broken into lines of its own where it would not fit.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<Column> columns, IReadOnlyList<Cell[]> rows)
    {
        var widths = columns.Select((c, i) => rows.Select(r => r[i].Text.Length).Append(c.Heading.Length).Max()).ToArray();
        var before = widths[..^1].Sum() + (Gap * (widths.Length - 1));
        var last = terminal.Width is { } width ? Math.Min(widths[^1], Math.Max(Narrowest, width - before)) : widths[^1];
        WriteRow([.. columns.Select(static c => (Cell)c.Heading.ToUpperInvariant())]);
        foreach (var row in rows)
        {
            WriteRow(row);
        }

        void WriteRow(Cell[] row)
        {
            var head = string.Concat(row[..^1].Select((c, i) => Aligned(c.Text, widths[i], columns[i].IsNumber) + new string(' ', Gap)));
            foreach (var (line, isFirst) in Wrapping.Lines(row[^1].Text, last).Select(static (line, i) => (line, i == 0)))
            {
                terminal.Out.WriteLine(((isFirst ? head : new string(' ', before)) + Aligned(line, last, columns[^1].IsNumber)).TrimEnd());
            }
        }
    }

    private static string Aligned(string text, int width, bool toTheRight) => toTheRight ? text.PadLeft(width) : text.PadRight(width);
}
