using System.Text;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Processes;

/// <summary>A line of output.</summary>
/// <param name="Text">Without its end, without control characters and colours.</param>
/// <param name="IsProgress">It ended in a carriage return: on a terminal the next line is written over it.</param>
internal readonly record struct OutputLine(string Text, bool IsProgress);

/// <summary>Makes lines of bytes as they come, in pieces of any size. Empty lines are left out, long ones are cut.</summary>
internal sealed partial class LineSplitter
{
    /// <summary>What is kept of one line, in bytes.</summary>
    public const int LongestLine = 4096;

    private readonly byte[] _line = new byte[LongestLine];
    private int _length;
    private bool _isCut;
    private bool _returned; // the last byte was a carriage return: only the next one tells whether it is progress or the first half of a line end

    /// <summary>The beginning of a line whose end has not come yet; empty: there is none.</summary>
    public string Unfinished => Text();

    public void Add(ReadOnlySpan<byte> bytes, Action<OutputLine> line)
    {
        while (!bytes.IsEmpty)
        {
            if (_returned)
            {
                _returned = false;
                Finish(line, isProgress: bytes[0] != (byte)'\n');
            }

            var end = bytes.IndexOfAny((byte)'\n', (byte)'\r');
            Append(end < 0 ? bytes : bytes[..end]);
            if (end < 0)
            {
                return;
            }

            if (bytes[end] == (byte)'\r')
            {
                _returned = true;
            }
            else
            {
                Finish(line, isProgress: false);
            }

            bytes = bytes[(end + 1)..];
        }
    }

    /// <summary>No more will come: what has begun is a line.</summary>
    public void Finish(Action<OutputLine> line) => Finish(line, isProgress: false);

    private void Append(ReadOnlySpan<byte> bytes)
    {
        var fits = Math.Min(bytes.Length, LongestLine - _length);
        bytes[..fits].CopyTo(_line.AsSpan(_length));
        _length += fits;
        _isCut |= fits < bytes.Length;
    }

    private void Finish(Action<OutputLine> line, bool isProgress)
    {
        var text = Text();
        _length = 0;
        _isCut = false;
        if (text.Length > 0)
        {
            line(new OutputLine(text, isProgress));
        }
    }

    private string Text()
    {
        var text = Encoding.UTF8.GetString(_line, 0, _length);
        // The cut may have gone through the middle of a character.
        text = Control().Replace(_isCut ? text.TrimEnd('\uFFFD') : text, "").TrimEnd();
        return _isCut ? text + "…" : text;
    }

    /// <summary>Terminal sequences (colours, cursor movements) and every other control character but the tab.</summary>
    [GeneratedRegex(@"\x1B\[[0-?]*[ -/]*[@-~]|\x1B\][^\x07\x1B]*(\x07|\x1B\\)|[\x00-\x08\x0A-\x1F\x7F]")]
    private static partial Regex Control();
}
