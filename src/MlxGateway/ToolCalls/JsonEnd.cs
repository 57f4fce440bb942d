namespace MlxGateway.ToolCalls;

/// <summary>Finds where a JSON object or list ends in a text that grows, without looking twice at any of it. Braces within texts do not count.</summary>
internal struct JsonEnd
{
    private int _at;
    private int _end;
    private int _depth;
    private bool _isText;
    private bool _isEscaped;

    /// <summary>Finds the end.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Where the value begins, with its brace.</param>
    /// <returns>The place behind it; −1: it has not come yet.</returns>
    public int Find(ReadOnlySpan<char> text, int start)
    {
        if (_end > 0)
        {
            return _end;
        }

        for (_at = Math.Max(_at, start); _at < text.Length; _at++)
        {
            var c = text[_at];
            if (_isText)
            {
                (_isText, _isEscaped) = (_isEscaped || c != '"', c == '\\' && !_isEscaped);
            }
            else if (c == '"')
            {
                _isText = true;
            }
            else
            {
                _depth += c is '{' or '[' ? 1 : c is '}' or ']' ? -1 : 0;
                if (_depth == 0 && c is '}' or ']')
                {
                    return _end = _at + 1;
                }
            }
        }

        return -1;
    }
}
