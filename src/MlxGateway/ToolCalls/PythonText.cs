namespace MlxGateway.ToolCalls;

/// <summary>Code, and how far it has been read.</summary>
internal ref struct PythonText(ReadOnlySpan<char> code)
{
    /// <summary>What has not been read.</summary>
    public ReadOnlySpan<char> Rest { get; private set; } = code;

    /// <summary>Whether all was read.</summary>
    public readonly bool IsEmpty => Rest.IsEmpty;

    /// <summary>Whether a statement ends here.</summary>
    public readonly bool IsStatementEnd => Rest.TrimStart(" \t\r") is [] or ['\n' or ';' or '#', ..];

    /// <summary>Passes characters.</summary>
    public void Skip(int count) => Rest = Rest[count..];

    /// <summary>Passes everything up to the next statement: ends of lines, blanks, comments.</summary>
    public void SkipToStatement()
    {
        SkipBlankLines();
        while (!Rest.IsEmpty && Rest[0] == ';')
        {
            Skip(1);
            SkipBlankLines();
        }
    }

    /// <summary>Passes blanks, ends of lines and comments, which mean nothing within brackets.</summary>
    public void SkipBlankLines()
    {
        for (Rest = Rest.TrimStart(); !Rest.IsEmpty && Rest[0] == '#'; Rest = Rest.TrimStart())
        {
            Rest = Rest.IndexOf('\n') is >= 0 and var feed ? Rest[feed..] : default;
        }
    }

    /// <summary>Passes this character, and blanks before it, if it comes next.</summary>
    public bool TryTake(char wanted)
    {
        var rest = Rest.TrimStart(" \t");
        if (rest.IsEmpty || rest[0] != wanted)
        {
            return false;
        }

        Rest = rest[1..].TrimStart(" \t");
        return true;
    }

    /// <summary>Passes this character, and whatever means nothing before it, if it comes next. The latter is passed in any case.</summary>
    public bool TryTakeOnAnyLine(char wanted)
    {
        SkipBlankLines();
        var isIt = IsAt(wanted);
        if (isIt)
        {
            Skip(1);
            if (wanted == ',')
            {
                SkipBlankLines();
            }
        }

        return isIt;
    }

    /// <summary>Whether this character comes next.</summary>
    public readonly bool IsAt(char wanted) => !Rest.IsEmpty && Rest[0] == wanted;

    /// <summary>Whether this word comes next, as a whole one.</summary>
    public readonly bool IsAtWord(string word) => Rest.StartsWith(word) && (Rest.Length == word.Length || !IsNamePart(Rest[word.Length]));

    /// <summary>Passes this word if it comes next.</summary>
    public bool TryTakeWord(string word)
    {
        if (!IsAtWord(word))
        {
            return false;
        }

        Rest = Rest[word.Length..].TrimStart(" \t");
        return true;
    }

    /// <summary>Passes a name.</summary>
    public bool TryTakeName(out ReadOnlySpan<char> name)
    {
        var length = 0;
        while (length < Rest.Length && IsNamePart(Rest[length]))
        {
            length++;
        }

        name = Rest[..length];
        Skip(length);
        return length > 0 && !char.IsAsciiDigit(name[0]);
    }

    /// <summary>Passes a name and the sign of equality behind it, if they come next.</summary>
    public bool TryTakeKeyword(out ReadOnlySpan<char> name)
    {
        var before = Rest;
        if (TryTakeName(out name) && TryTake('=') && !IsAt('='))
        {
            SkipBlankLines();
            return true;
        }

        Rest = before;
        return false;
    }

    private static bool IsNamePart(char c) => char.IsLetterOrDigit(c) || c == '_';
}
