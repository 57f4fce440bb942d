using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace MlxGateway.Inference.Bodies;

/// <summary>
/// Finds in the bytes of a form, as they come, the fields that the gateway must know. It holds at most the headers of one part and one short value, whatever the size of the form, and
/// does not care where the bytes are cut.
/// </summary>
/// <remarks>
/// <code>
/// Content ──CR LF - - boundary──► Delimiter ──CR LF──► Headers ──empty line──► Content
///    ▲ (before the first            │
///       one: the preamble)          └──- -──► Epilogue
/// </code>
/// A carriage return stands only at the beginning of a delimiter, so a match that fails can begin anew only with the byte that ended it.
/// </remarks>
internal sealed class MultipartScanner
{
    private const int LongestHeaders = 16 * 1024;
    private const int LongestValue = 4 * 1024;
    private const int LongestPadding = 256;

    private readonly byte[] _delimiter;
    private readonly ArrayBufferWriter<byte> _headers = new(256);
    private readonly ArrayBufferWriter<byte> _value = new(64);
    private State _state = State.Content;

    // How much of the delimiter, or of the empty line behind headers, was matched. The first delimiter needs no line break in front.
    private int _matched = 2;
    private int _padding;
    private bool _streamSeen;
    private Field _field;
    private long _valueOffset;
    private long _at;

    /// <param name="boundary">The boundary that the content type names.</param>
    public MultipartScanner(string boundary) => _delimiter = Encoding.ASCII.GetBytes($"\r\n--{boundary}");

    private enum State
    {
        // In a part's content, or before the first part.
        Content,

        // Behind a boundary.
        Delimiter,

        // Behind a boundary and one dash.
        Closing,

        // Behind a boundary and white space.
        Padding,

        // Behind a boundary and a carriage return.
        LineEnd,

        Headers,

        // Behind the last part.
        Epilogue,
    }

    private enum Field
    {
        None,
        Model,
        Stream,
    }

    /// <summary>The value of <c>model</c>; null: there is none.</summary>
    public string? Model { get; private set; }

    /// <summary>Where the value of <c>model</c> begins; −1: there is none.</summary>
    public long ModelOffset { get; private set; } = -1;

    /// <summary>How long that value is.</summary>
    public long ModelLength { get; private set; }

    /// <summary>Where the first boundary begins, its two dashes included: a part can be put in front of it. −1: none was found.</summary>
    public long FirstBoundary { get; private set; } = -1;

    /// <summary>Whether <c>stream</c> is true.</summary>
    public bool Stream { get; private set; }

    /// <summary>Takes the next bytes. Returns what is wrong with the form, once; then it takes no more.</summary>
    public GatewayError? Feed(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var (taken, error) = _state switch
            {
                State.Content => Content(bytes),
                State.Headers => Headers(bytes),
                State.Epilogue => (bytes.Length, null),
                _ => (1, Delimiter(bytes[0])),
            };
            if (error is not null)
            {
                return error;
            }

            _at += taken;
            bytes = bytes[taken..];
        }

        return null;
    }

    /// <summary>Nothing more comes. Returns what is wrong with the form as a whole.</summary>
    public GatewayError? Complete() => _state == State.Epilogue ? null
        : FirstBoundary < 0 ? Broken("the boundary that its Content-Type names is nowhere in it")
        : Broken("it ends in the middle, without its last boundary");

    private static GatewayError Broken(string how) => GatewayError.InvalidRequest($"The body is no valid form: {how}.");

    private (int Taken, GatewayError? Error) Content(ReadOnlySpan<byte> bytes)
    {
        if (_matched > 0)
        {
            var same = bytes.CommonPrefixLength(_delimiter.AsSpan(_matched));
            if (_matched + same == _delimiter.Length)
            {
                return (same, EndContent(_at + same));
            }

            if (same == bytes.Length)
            {
                _matched += same;
                return (same, null);
            }

            // The line break before the first boundary was only imagined, and is nobody's content.
            var error = Keep(_delimiter.AsSpan(0, _matched + same));
            _matched = 0;
            return (same, error);
        }

        var found = bytes.IndexOf(_delimiter);
        if (found >= 0)
        {
            return Keep(bytes[..found]) is { } tooLong ? (0, tooLong) : (found + _delimiter.Length, EndContent(_at + found + _delimiter.Length));
        }

        var tail = bytes[Math.Max(0, bytes.Length - _delimiter.Length + 1)..];
        var begun = tail.LastIndexOf((byte)'\r') is var cr and >= 0 && _delimiter.AsSpan().StartsWith(tail[cr..]) ? tail.Length - cr : 0;
        _matched = begun;
        return (bytes.Length, Keep(bytes[..^begun]));
    }

    private GatewayError? Keep(ReadOnlySpan<byte> content)
    {
        if (_field == Field.None)
        {
            return null;
        }

        if (_value.WrittenCount + content.Length > LongestValue)
        {
            return GatewayError.InvalidRequest($"The field '{NameOf(_field)}' is longer than {LongestValue} bytes.", NameOf(_field));
        }

        _value.Write(content);
        return null;
    }

    private GatewayError? EndContent(long behind)
    {
        (_state, _matched, _padding) = (State.Delimiter, 0, 0);
        if (FirstBoundary < 0)
        {
            FirstBoundary = behind - _delimiter.Length + 2;
            return null;
        }

        var field = _field;
        var value = _value.WrittenSpan;
        _field = Field.None;
        if (field == Field.None)
        {
            return null;
        }

        if (!Utf8.IsValid(value))
        {
            return GatewayError.InvalidRequest($"The field '{NameOf(field)}' is not valid UTF-8.", NameOf(field));
        }

        var text = Encoding.UTF8.GetString(value);
        if (field == Field.Model)
        {
            (Model, ModelOffset, ModelLength) = (text, _valueOffset, value.Length);
            return null;
        }

        // As servers in Python read a truth value from a form.
        Stream = text.ToUpperInvariant() is "TRUE" or "1" or "ON" or "YES";
        return null;
    }

    private GatewayError? Delimiter(byte next)
    {
        switch (_state, next)
        {
            case (State.Delimiter, (byte)'-'):
                _state = State.Closing;
                return null;
            case (State.Closing, (byte)'-'):
                _state = State.Epilogue;
                return null;
            case (State.Delimiter or State.Padding, (byte)' ' or (byte)'\t') when ++_padding <= LongestPadding:
                _state = State.Padding;
                return null;
            case (State.Delimiter or State.Padding, (byte)'\r'):
                _state = State.LineEnd;
                return null;
            case (State.LineEnd, (byte)'\n'):
                // This line break and another one are an empty line: a part may have no headers at all.
                (_state, _matched) = (State.Headers, 2);
                _headers.ResetWrittenCount();
                return null;
            default:
                return Broken("a boundary is followed by something that is no line break");
        }
    }

    private (int Taken, GatewayError? Error) Headers(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var next = bytes[i];
            _matched = next == "\r\n\r\n"u8[_matched] ? _matched + 1 : next == '\r' ? 1 : 0;
            if (_matched == 4)
            {
                _headers.Write(bytes[..(i + 1)]);
                return (i + 1, BeginContent(_at + i + 1));
            }
        }

        _headers.Write(bytes);
        return (bytes.Length, _headers.WrittenCount > LongestHeaders ? Broken($"the headers of a part are longer than {LongestHeaders} bytes") : null);
    }

    private GatewayError? BeginContent(long at)
    {
        if (_headers.WrittenCount > LongestHeaders)
        {
            return Broken($"the headers of a part are longer than {LongestHeaders} bytes");
        }

        (_state, _matched, _valueOffset) = (State.Content, 0, at);
        _value.ResetWrittenCount();
        var (name, isFile) = PartHeaders.Read(_headers.WrittenSpan);
        _field = name switch { "model" => Field.Model, "stream" => Field.Stream, _ => Field.None };
        if (_field == Field.None)
        {
            return null;
        }

        if (isFile)
        {
            return GatewayError.InvalidRequest($"The field '{name}' is a file; it must be text.", name);
        }

        if (_field == Field.Model ? ModelOffset >= 0 : _streamSeen)
        {
            return GatewayError.InvalidRequest($"The form names '{name}' twice.", name);
        }

        _streamSeen |= _field == Field.Stream;
        return null;
    }

    private static string NameOf(Field field) => field == Field.Model ? "model" : "stream";
}
