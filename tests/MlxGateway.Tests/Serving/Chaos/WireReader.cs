using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>Takes one HTTP/1.1 response apart as its bytes come, and forgives nothing.</summary>
internal sealed class WireReader
{
    private readonly ArrayBufferWriter<byte> _all = new();
    private readonly ArrayBufferWriter<byte> _body = new();
    private int _at;
    private long _left;
    private Part _part = Part.Head;

    private enum Part
    {
        Head,
        Fixed,
        ChunkSize,
        Chunk,
        ChunkEnd,
        LastLine,
        Over,
    }

    /// <summary>The status; 0 until the head is there.</summary>
    public int Status { get; private set; }

    /// <summary>The header fields, their names in any case.</summary>
    public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What is not HTTP about it, if anything is.</summary>
    public string? Flaw { get; private set; }

    /// <summary>Whether the last byte that its framing promises has come.</summary>
    public bool IsWhole => _part is Part.Over;

    /// <summary>How many bytes have come.</summary>
    public int Received => _all.WrittenCount;

    /// <summary>The body as far as it has come, without its framing.</summary>
    public string Body => Encoding.UTF8.GetString(_body.WrittenSpan);

    /// <summary>Every byte as it came.</summary>
    public string Raw => Encoding.UTF8.GetString(_all.WrittenSpan);

    /// <summary>Whether the server keeps the connection behind this response.</summary>
    public bool KeepsConnection => IsWhole && Flaw is null && Headers.GetValueOrDefault("Connection") is not "close";

    /// <summary>Takes the next bytes.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        _all.Write(bytes);
        while (Flaw is null && Advance())
        {
        }

        if (Flaw is null && IsWhole && _at < _all.WrittenCount)
        {
            Flaw = $"{_all.WrittenCount - _at} bytes behind its end";
        }
    }

    private bool Advance() => _part switch
    {
        Part.Head => TryLine("\r\n\r\n"u8, out var head) && Begin(head),
        Part.Fixed or Part.Chunk => Copy(),
        Part.ChunkSize => TryLine("\r\n"u8, out var size) && BeginChunk(size),
        Part.ChunkEnd => TryLine("\r\n"u8, out var empty) && Expect(empty, Part.ChunkSize),
        Part.LastLine => TryLine("\r\n"u8, out var end) && Expect(end, Part.Over),
        _ => false,
    };

    private bool Begin(string head)
    {
        var lines = head.Split("\r\n");
        if (!lines[0].StartsWith("HTTP/1.1 ", StringComparison.Ordinal) || lines[0].Length < 12 || !int.TryParse(lines[0].AsSpan(9, 3), out var status))
        {
            return Fail($"a status line '{lines[0]}'");
        }

        Status = status;
        foreach (var line in lines.Skip(1))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon < 1 || !Headers.TryAdd(line[..colon], line[(colon + 1)..].Trim()))
            {
                return Fail($"a header line '{line}'");
            }
        }

        var chunked = Headers.GetValueOrDefault("Transfer-Encoding") == "chunked";
        if (chunked == Headers.TryGetValue("Content-Length", out var length))
        {
            return Fail("both a length and chunks, or neither");
        }

        if (chunked)
        {
            _part = Part.ChunkSize;
            return true;
        }

        _part = Part.Fixed;
        return (long.TryParse(length, out _left) && _left >= 0) || Fail($"a length of '{length}'");
    }

    private bool BeginChunk(string size)
    {
        if (!Utf8Parser.TryParse(Encoding.ASCII.GetBytes(size), out _left, out var used, 'x') || used != size.Length || size.Length == 0)
        {
            return Fail($"a chunk size of '{size}'");
        }

        _part = _left == 0 ? Part.LastLine : Part.Chunk;
        return true;
    }

    private bool Copy()
    {
        var now = (int)Math.Min(_left, _all.WrittenCount - _at);
        _body.Write(_all.WrittenSpan.Slice(_at, now));
        _at += now;
        _left -= now;
        if (_left > 0)
        {
            return false;
        }

        _part = _part is Part.Fixed ? Part.Over : Part.ChunkEnd;
        return true;
    }

    private bool Expect(string line, Part next)
    {
        _part = next;
        return line.Length == 0 || Fail($"'{line}' where a chunk ends");
    }

    private bool TryLine(ReadOnlySpan<byte> end, out string line)
    {
        var rest = _all.WrittenSpan[_at..];
        var length = rest.IndexOf(end);
        line = length < 0 ? "" : Encoding.ASCII.GetString(rest[..length]);
        _at += length < 0 ? 0 : length + end.Length;
        return length >= 0;
    }

    private bool Fail(string flaw)
    {
        Flaw = flaw;
        return false;
    }
}
