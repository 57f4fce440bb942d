using System.Buffers;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace MlxGateway.Inference.Uploads;

/// <summary>
/// Finds the parts of a form (RFC 7578) while its bytes come by, in whatever pieces: where the value of each wanted field lies, and what it is. Holds no more than one header, one wanted
/// value or the beginning of a delimiter, however large a file is.
/// </summary>
internal sealed class MultipartScanner
{
    /// <summary>The longest header of a part, and the longest value of a wanted field.</summary>
    public const int MostHeld = 16 * 1024;

    private readonly byte[] _delimiter;
    private readonly Func<string, bool> _isWanted;
    private readonly List<FormField> _fields = [];
    private readonly ArrayBufferWriter<byte> _held = new();
    private readonly ArrayBufferWriter<byte> _value = new();
    private State _state = State.Start;
    private string? _name;
    private long _offset;
    private long _valueAt;

    /// <param name="boundary">The boundary of the content type.</param>
    /// <param name="isWanted">Whether the value of a field of this name is wanted. That of a file never is, whatever it is called.</param>
    public MultipartScanner(string boundary, Func<string, bool> isWanted)
    {
        _delimiter = Encoding.UTF8.GetBytes($"\r\n--{boundary}");
        _isWanted = isWanted;
    }

    private enum State
    {
        /// <summary>At the first byte: a delimiter may stand here without a line break before it.</summary>
        Start,

        /// <summary>Before the first delimiter: anything may stand here.</summary>
        Preamble,

        /// <summary>Right behind a delimiter.</summary>
        Delimiter,

        /// <summary>At the end of the line of a delimiter; the header of a part follows.</summary>
        Header,

        /// <summary>In the value of a part.</summary>
        Value,

        /// <summary>Behind the last delimiter: anything may stand here.</summary>
        Epilogue,
    }

    /// <summary>What is wrong with the form; null: nothing so far.</summary>
    public string? Fault { get; private set; }

    /// <summary>Whether the last delimiter has come by.</summary>
    public bool IsComplete => _state == State.Epilogue;

    /// <summary>The wanted fields, in their order.</summary>
    public IReadOnlyList<FormField> Fields => _fields;

    /// <summary>Looks at the next bytes. False: it is no form, and nothing that follows can change that.</summary>
    public bool Read(ReadOnlySpan<byte> bytes)
    {
        // What was left over is looked at again together with what has come.
        if (_held.WrittenCount > 0)
        {
            _held.Write(bytes);
            bytes = _held.WrittenSpan.ToArray();
            _held.ResetWrittenCount();
        }

        while (Fault is null && _state != State.Epilogue)
        {
            var before = _state;
            var used = Step(bytes);
            bytes = bytes[used..];
            _offset += used;
            if (used == 0 && _state == before)
            {
                break;
            }
        }

        if (_state != State.Epilogue)
        {
            _held.Write(bytes);
        }

        return Fault is null;
    }

    private int Step(ReadOnlySpan<byte> bytes) => _state switch
    {
        State.Start => AtStart(bytes),
        State.Preamble => Pass(bytes),
        State.Delimiter => BehindDelimiter(bytes),
        State.Header => InHeader(bytes),
        _ => InValue(bytes),
    };

    private int AtStart(ReadOnlySpan<byte> bytes)
    {
        var bare = _delimiter.AsSpan(2);
        if (bytes.Length < bare.Length)
        {
            return 0;
        }

        var isThere = bytes.StartsWith(bare);
        _state = isThere ? State.Delimiter : State.Preamble;
        return isThere ? bare.Length : 0;
    }

    private int BehindDelimiter(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("--"u8))
        {
            _state = State.Epilogue;
            return 2;
        }

        // White space may stand between a boundary and the end of its line.
        var line = bytes.IndexOf("\r\n"u8);
        if (line > 0 && !bytes[..line].Trim(" \t"u8).IsEmpty)
        {
            return Fail("a boundary is followed by something else than the end of its line");
        }

        if (line < 0)
        {
            return bytes.Length > MostHeld ? Fail("a boundary is not followed by the end of its line") : 0;
        }

        _state = State.Header;
        return line;
    }

    // It begins with the end of the delimiter's line, so that a part without a header has its empty line all the same.
    private int InHeader(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf("\r\n\r\n"u8);
        if (end > MostHeld || (end < 0 && bytes.Length > MostHeld))
        {
            return Fail($"the header of a part is longer than {MostHeld} bytes");
        }

        if (end < 0)
        {
            return 0;
        }

        _name = NameOf(Encoding.UTF8.GetString(bytes[..end])) is { } name && _isWanted(name) ? name : null;
        _value.ResetWrittenCount();
        _valueAt = _offset + end + 4;
        _state = State.Value;
        return end + 4;
    }

    private int InValue(ReadOnlySpan<byte> bytes)
    {
        var passed = Pass(bytes, out var isAtEnd);
        var value = isAtEnd ? bytes[..(passed - _delimiter.Length)] : bytes[..passed];
        if (_name is not null)
        {
            if (_value.WrittenCount + value.Length > MostHeld)
            {
                return Fail($"the field '{_name}' is longer than {MostHeld} bytes");
            }

            _value.Write(value);
        }

        if (isAtEnd && _name is not null)
        {
            _fields.Add(new FormField(_name, _valueAt, _value.WrittenSpan.ToArray()));
        }

        return passed;
    }

    private int Pass(ReadOnlySpan<byte> bytes) => Pass(bytes, out _);

    // Up to and with the next delimiter, or all that cannot be the beginning of one.
    private int Pass(ReadOnlySpan<byte> bytes, out bool isAtEnd)
    {
        var at = bytes.IndexOf(_delimiter);
        isAtEnd = at >= 0;
        if (isAtEnd)
        {
            _state = State.Delimiter;
            return at + _delimiter.Length;
        }

        for (var kept = Math.Min(_delimiter.Length - 1, bytes.Length); kept > 0; kept--)
        {
            if (bytes[^kept..].SequenceEqual(_delimiter.AsSpan(0, kept)))
            {
                return bytes.Length - kept;
            }
        }

        return bytes.Length;
    }

    private int Fail(string what)
    {
        Fault = what;
        return 0;
    }

    // Null: it is a file, or has no name.
    private static string? NameOf(string header)
    {
        foreach (var line in header.Split("\r\n"))
        {
            if (line.StartsWith("Content-Disposition:", StringComparison.OrdinalIgnoreCase)
                && ContentDispositionHeaderValue.TryParse(line["Content-Disposition:".Length..].Trim(), out var disposition)
                && !disposition.FileName.HasValue && !disposition.FileNameStar.HasValue)
            {
                return HeaderUtilities.RemoveQuotes(disposition.Name).Value;
            }
        }

        return null;
    }
}

/// <summary>A field of a form.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Offset">Where its value begins in the body.</param>
/// <param name="Value">Its value, as it stands there.</param>
internal sealed record FormField(string Name, long Offset, byte[] Value);
