namespace MlxGateway.Supervision.Processes;

/// <summary>The last lines, bounded in number and size. A progress line gives way to the line after it, so that a progress bar does not push everything else out.</summary>
internal sealed class LastLines(int maxLines, int maxCharacters)
{
    private readonly LinkedList<OutputLine> _lines = [];
    private int _characters;

    public void Add(OutputLine line)
    {
        if (_lines.Last is { Value.IsProgress: true } last)
        {
            _characters -= last.Value.Text.Length;
            _lines.RemoveLast();
        }

        _lines.AddLast(line);
        _characters += line.Text.Length;
        while (_lines.Count > maxLines || (_characters > maxCharacters && _lines.Count > 1))
        {
            _characters -= _lines.First!.Value.Text.Length;
            _lines.RemoveFirst();
        }
    }

    /// <summary>The lines, oldest first, and the beginning of one that is being written.</summary>
    public IReadOnlyList<string> With(string unfinished)
    {
        var lines = _lines.Select(line => line.Text).ToList();
        if (unfinished.Length > 0)
        {
            if (_lines.Last is { Value.IsProgress: true })
            {
                lines.RemoveAt(lines.Count - 1);
            }

            lines.Add(unfinished);
        }

        return lines;
    }
}
