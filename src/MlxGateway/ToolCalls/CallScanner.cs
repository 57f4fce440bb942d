using System.Buffers;

namespace MlxGateway.ToolCalls;

/// <summary>
/// Takes the calls out of a text that comes in pieces, by the reader of their form. It holds back only what may still become one; what is none stays text, character for character. White space
/// around calls goes with them where nothing else is said there. What passes costs no memory.
/// </summary>
internal sealed class CallScanner(ICallReader reader)
{
    private const int LongestCall = 1 << 20;
    private const int LongestBlank = 1 << 12;

    private readonly ArrayBufferWriter<char> _text = new();
    private char[] _held = [];
    private int _count;
    private TextPlace _place;
    private bool _isFront = true;

    /// <summary>Whether something is held back.</summary>
    public bool Holds => _count > 0;

    /// <summary>Whether there was a call.</summary>
    public bool HasCalls { get; private set; }

    /// <summary>What the last piece made certain to be text.</summary>
    public ReadOnlySpan<char> Text => _text.WrittenSpan;

    /// <summary>The calls that the last piece made whole.</summary>
    public List<FoundCall> Calls { get; } = [];

    /// <summary>Takes a piece.</summary>
    /// <param name="piece">The piece; may be empty.</param>
    /// <param name="isEnd">Whether it is the last: then nothing is held back any more.</param>
    /// <returns>Whether the piece is text as it is, and all there is to say.</returns>
    public bool Take(ReadOnlySpan<char> piece, bool isEnd)
    {
        _text.ResetWrittenCount();
        Calls.Clear();
        var held = _count;
        if (held == 0)
        {
            var taken = Scan(piece, isEnd);
            Hold(piece[taken..]);
            return _count == 0 && Calls.Count == 0;
        }

        Hold(piece);
        Drop(Scan(_held.AsSpan(0, _count), isEnd));
        return false;
    }

    // How much of the text is decided.
    private int Scan(ReadOnlySpan<char> text, bool isEnd)
    {
        var at = 0;
        while (at < text.Length)
        {
            at += _isFront ? 0 : Pass(text[at..]);
            var rest = text[at..];
            var ahead = _isFront ? rest.TrimStart() : rest;
            var blank = rest.Length - ahead.Length;
            if (ahead.IsEmpty)
            {
                var isMuch = blank > LongestBlank; // more than stands around a call
                if (isMuch || (isEnd && !HasCalls))
                {
                    Say(rest);
                    _isFront = false;
                }

                return isMuch || isEnd ? text.Length : at;
            }

            var reading = reader.CanBegin(ahead[0]) ? reader.Read(ahead, _isFront, isEnd) : CallReading.Text();
            if (reading.Length == 0)
            {
                if (!isEnd && ahead.Length < LongestCall)
                {
                    return at;
                }

                reading = CallReading.Text(ahead.Length);
            }

            if (reading.Calls is { } calls)
            {
                Calls.AddRange(calls);
                (_place, _isFront, HasCalls) = (default, true, true);
            }
            else
            {
                Say(rest[..(blank + reading.Length)]);
                _isFront = false;
            }

            at += blank + reading.Length;
        }

        return at;
    }

    // Says what stands before the next place where a call may begin.
    private int Pass(ReadOnlySpan<char> text)
    {
        var at = 0;
        while (at < text.Length && !(_place.MayBegin && reader.CanBegin(text[at])))
        {
            _place.Note(text[at++]);
        }

        _text.Write(text[..at]);
        return at;
    }

    private void Say(ReadOnlySpan<char> text)
    {
        _text.Write(text);
        foreach (var c in text)
        {
            _place.Note(c);
        }
    }

    private void Hold(ReadOnlySpan<char> text)
    {
        if (_count + text.Length > _held.Length)
        {
            Array.Resize(ref _held, Math.Max(_count + text.Length, _held.Length * 2));
        }

        text.CopyTo(_held.AsSpan(_count));
        _count += text.Length;
    }

    private void Drop(int taken)
    {
        _held.AsSpan(taken, _count - taken).CopyTo(_held);
        _count -= taken;
    }
}
