namespace MlxGateway.Commands.Connecting;

/// <summary>A line of a TOML document, as far as whoever changes single lines must understand it.</summary>
/// <param name="Text">The line.</param>
/// <param name="IsInside">Whether it begins within a value of several lines, so that nothing in it is a key or a table.</param>
/// <param name="IsOpen">Whether its value goes on in the next one.</param>
/// <param name="CommentAt">Where its comment begins; its length, if it has none.</param>
internal readonly record struct TomlLine(string Text, bool IsInside, bool IsOpen, int CommentAt)
{
    /// <summary>What stands before the comment.</summary>
    public string WithoutComment => Text[..CommentAt].TrimEnd();

    /// <summary>The comment with its sign; empty: none.</summary>
    public string Comment => Text[CommentAt..];

    /// <summary>Reads all lines of a document.</summary>
    public static List<TomlLine> Read(IEnumerable<string> document)
    {
        var lines = new List<TomlLine>();
        var (fence, depth) = ("", 0);
        foreach (var text in document)
        {
            var isInside = fence.Length > 0 || depth > 0;
            var comment = Scan(text, ref fence, ref depth);
            lines.Add(new TomlLine(text, isInside, fence.Length > 0 || depth > 0, comment));
        }

        return lines;
    }

    // Goes through texts and brackets. Returns where the comment begins.
    private static int Scan(string text, ref string fence, ref int depth)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (fence.Length > 0)
            {
                var end = EndOf(text, i, fence);
                if (end < 0)
                {
                    return text.Length;
                }

                (i, fence) = (end - 1, "");
                continue;
            }

            switch (text[i])
            {
                case '#': return i;
                case '[' or '{': depth++; break;
                case ']' or '}': depth = Math.Max(0, depth - 1); break;
                case '"' or '\'' when string.CompareOrdinal(text, i, new string(text[i], 3), 0, 3) == 0:
                    fence = new string(text[i], 3);
                    i += 2;
                    break;
                case '"' or '\'':
                    i = EndOf(text, i + 1, text[i].ToString()) is var end and > 0 ? end - 1 : text.Length;
                    break;
            }
        }

        return text.Length;
    }

    // Behind the end of a text that is open here; -1: it is not in this line.
    private static int EndOf(string text, int from, string fence)
    {
        for (var i = from; i + fence.Length <= text.Length; i++)
        {
            if (fence[0] == '"' && text[i] == '\\')
            {
                i++; // the next letter stands for itself
            }
            else if (string.CompareOrdinal(text, i, fence, 0, fence.Length) == 0)
            {
                return i + fence.Length;
            }
        }

        return -1;
    }
}
