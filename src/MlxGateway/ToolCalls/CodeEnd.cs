namespace MlxGateway.ToolCalls;

/// <summary>Finds where a block of Python ends in a text that grows, without looking twice at any of it. Ticks within texts do not end it.</summary>
internal struct CodeEnd
{
    private int _at;
    private char _quote; // of the text that is open; NUL: none is
    private bool _isLong; // whether that text was opened by three quotes
    private bool _isComment;

    /// <summary>Whether it cannot be Python: a text in simple quotes goes beyond its line.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Finds the three ticks.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Where the code begins.</param>
    /// <returns>Their place; −1: they have not come yet.</returns>
    public int Find(ReadOnlySpan<char> text, int start)
    {
        // Three characters at once decide.
        for (_at = Math.Max(_at, start); _at + 3 <= text.Length && !IsBroken; _at++)
        {
            var c = text[_at];
            var areThree = text[_at + 1] == c && text[_at + 2] == c;
            if (_quote != '\0')
            {
                PassText(c, areThree);
            }
            else if (c == '`' && areThree)
            {
                return _at;
            }
            else if (c is '"' or '\'' && !_isComment)
            {
                (_quote, _isLong, _at) = (c, areThree, _at + (areThree ? 2 : 0));
            }
            else
            {
                _isComment = c != '\n' && (_isComment || c == '#');
            }
        }

        return -1;
    }

    private void PassText(char c, bool areThree)
    {
        if (c == '\\')
        {
            _at++;
        }
        else if (c == _quote && (!_isLong || areThree))
        {
            (_quote, _at) = ('\0', _at + (_isLong ? 2 : 0));
        }
        else
        {
            IsBroken = c == '\n' && !_isLong;
        }
    }
}
