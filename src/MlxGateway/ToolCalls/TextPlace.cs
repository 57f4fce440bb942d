namespace MlxGateway.ToolCalls;

/// <summary>Where in a Markdown text a character stands, as far as it matters for calls: at the beginning of a line, and not within a block of code.</summary>
internal struct TextPlace
{
    private Part _part;
    private int _ticks;
    private int _fence; // how many ticks the open block began with; 0: none is open

    private enum Part
    {
        /// <summary>At the beginning of a line, or behind nothing but blanks.</summary>
        Start,

        /// <summary>Among the ticks that a line begins with.</summary>
        Ticks,

        /// <summary>Behind the ticks that opened a block.</summary>
        Opened,

        /// <summary>Behind the ticks that close a block if nothing else follows.</summary>
        Closing,

        /// <summary>Anywhere else in a line.</summary>
        Rest,
    }

    /// <summary>Whether a call may begin here.</summary>
    public readonly bool MayBegin => _part == Part.Start && _fence == 0;

    /// <summary>Passes a character.</summary>
    public void Note(char next)
    {
        if (_part == Part.Ticks && next != '`')
        {
            EndTicks();
        }

        switch (_part, next)
        {
            case (Part.Closing, '\n'):
                (_part, _fence) = (Part.Start, 0);
                break;
            case (_, '\n'):
                _part = Part.Start;
                break;
            case (Part.Start or Part.Closing, ' ' or '\t' or '\r'):
                break;
            case (Part.Start, '`'):
                (_part, _ticks) = (Part.Ticks, 1);
                break;
            case (Part.Ticks, '`'):
                _ticks++;
                break;
            case (Part.Opened, '`'):
                (_part, _fence) = (Part.Rest, 0); // code within a line, which happens to begin it
                break;
            case (Part.Opened, _):
                break;
            default:
                _part = Part.Rest;
                break;
        }
    }

    private void EndTicks()
    {
        if (_fence == 0 && _ticks >= 3)
        {
            (_part, _fence) = (Part.Opened, _ticks);
        }
        else
        {
            _part = _fence > 0 && _ticks >= _fence ? Part.Closing : Part.Rest;
        }
    }
}
