using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference.Answers;

namespace MlxGateway.ToolCalls;

/// <summary>What one choice of an answer says, and the calls in it.</summary>
internal sealed class ChoiceText(ICallReader reader, bool isParallel)
{
    private readonly CallScanner _scanner = new(reader);
    private readonly List<(int Offset, int Taken, byte[] Put)> _edits = [];
    private char[] _said = new char[256];
    private int _calls;
    private bool _isEnded;

    /// <summary>Whether something is held back.</summary>
    public bool Holds => _scanner.Holds;

    /// <summary>Whether the end of the answer must not come before something is said of it: what is held back, or that it ends with calls.</summary>
    public bool OwesAnEnd => Holds || (_scanner.HasCalls && !_isEnded);

    /// <summary>Whether there was a call.</summary>
    public bool HasCalls => _scanner.HasCalls;

    /// <summary>What is still held back, with nothing more to come.</summary>
    public ReadOnlySpan<char> Flush()
    {
        _scanner.Take(default, isEnd: true);
        return _scanner.Text;
    }

    /// <summary>Finds the edits of one piece, or of the whole.</summary>
    /// <param name="bytes">The JSON.</param>
    /// <param name="choice">Where the parts of the choice lie in it.</param>
    /// <param name="isWhole">Whether it is a whole answer.</param>
    /// <param name="edits">Takes them.</param>
    public void Edit(ReadOnlySpan<byte> bytes, in ChoicePlaces choice, bool isWhole, DataEdits edits)
    {
        var isEnd = isWhole || choice.Reason.Length > 0;
        _isEnded |= isEnd;
        if (!choice.IsContentText && !(isEnd && (Holds || _scanner.HasCalls)))
        {
            return; // nothing is said, and nothing ends
        }

        if (!TryDecode(choice.IsContentText ? bytes.Slice(choice.Content.Start, choice.Content.Length) : default, out var said))
        {
            // It stays as it is, behind what came before it.
            edits.Put(choice.Content.Start + 1, 0, Flush() is { IsEmpty: false } held ? CallJson.Text(held).AsSpan()[1..^1] : default);
            return;
        }

        var isUnchanged = _scanner.Take(said, isEnd);
        _edits.Clear();
        if (!isUnchanged)
        {
            Replace(choice, isWhole);
        }

        if (choice.IsStop && _scanner.HasCalls)
        {
            _edits.Add((choice.Reason.Start, choice.Reason.Length, "\"tool_calls\""u8.ToArray()));
        }

        if (_edits.Count > 1)
        {
            _edits.Sort(static (one, other) => one.Offset.CompareTo(other.Offset));
        }

        foreach (var (offset, taken, put) in _edits)
        {
            edits.Put(offset, taken, put);
        }
    }

    /// <summary>The list of the calls that became whole last, as it stands in a message; empty: none did.</summary>
    /// <param name="isWhole">Whether that is a whole message, in which they have no index.</param>
    public byte[] TakeCalls(bool isWhole)
    {
        var calls = _scanner.Calls;
        if (!isParallel && calls.Count > Math.Max(0, 1 - _calls))
        {
            calls.RemoveRange(Math.Max(0, 1 - _calls), calls.Count - Math.Max(0, 1 - _calls)); // who asked for one gets the first
        }

        if (calls.Count == 0)
        {
            return [];
        }

        var list = new ArrayBufferWriter<byte>(256);
        CallJson.WriteCalls(list, calls, isWhole ? null : _calls);
        _calls += calls.Count;
        return list.WrittenSpan.ToArray();
    }

    private void Replace(in ChoicePlaces choice, bool isWhole)
    {
        var calls = TakeCalls(isWhole);
        var hasText = !_scanner.Text.IsEmpty;
        byte[] content = hasText || choice.IsContentText ? [.. hasText || !isWhole || calls.Length == 0 ? CallJson.Text(_scanner.Text) : "null"u8] : [];
        var members = new ArrayBufferWriter<byte>();
        if (choice.Content.Length > 0 && content.Length > 0)
        {
            _edits.Add((choice.Content.Start, choice.Content.Length, content));
        }
        else if (content.Length > 0)
        {
            members.Write("\"content\":"u8);
            members.Write(content);
        }

        if (choice.NoCalls.Length > 0 && calls.Length > 0)
        {
            _edits.Add((choice.NoCalls.Start, choice.NoCalls.Length, calls));
        }
        else if (calls.Length > 0)
        {
            members.Write(members.WrittenCount > 0 ? ",\"tool_calls\":"u8 : "\"tool_calls\":"u8);
            members.Write(calls);
        }

        if (members.WrittenCount > 0)
        {
            _edits.Add(choice.Message == 0
                ? (choice.Start, 0, [.. "\"delta\":{"u8, .. members.WrittenSpan, .. "},"u8]) // it has a reason, and so something is behind it
                : (choice.Message, 0, [.. members.WrittenSpan, .. choice.IsMessageEmpty ? ""u8 : ","u8]));
        }
    }

    // False: an escape in it stands for no character.
    private bool TryDecode(ReadOnlySpan<byte> raw, out ReadOnlySpan<char> text)
    {
        text = default;
        if (raw.IsEmpty)
        {
            return true;
        }

        if (_said.Length < raw.Length)
        {
            _said = new char[raw.Length];
        }

        try
        {
            var json = new Utf8JsonReader(raw);
            json.Read();
            text = _said.AsSpan(0, json.CopyString(_said));
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
