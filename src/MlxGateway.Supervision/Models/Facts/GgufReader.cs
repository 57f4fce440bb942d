using System.Buffers;
using System.Buffers.Binary;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Reads the head of a GGUF file front to back through one small buffer. Never throws for what it reads: the first fault stays, and from then on everything is zero.</summary>
/// <remarks>
/// Whatever lengths a file claims, no more memory is taken than the buffer, nothing is read twice, and reading ends at <see cref="Limit"/>: so its time is bounded by structure.
/// Numbers are little-endian. (Whoever loops over a count from the file looks at <see cref="Fault"/> each time.)
/// </remarks>
internal sealed class GgufReader(Stream stream, long length) : IDisposable
{
    /// <summary>The bytes of the longest head that is read. Those of real files have 2 to 30 MB, nearly all of it the tokenizer's.</summary>
    public const long Limit = 256L << 20;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(64 << 10);
    private int _start;
    private int _end;

    /// <summary>What is wrong, as what the file does; null: nothing so far.</summary>
    public string? Fault { get; private set; }

    /// <summary>How many bytes were read or skipped.</summary>
    public long Position { get; private set; }

    /// <summary>The bytes that the file has after this position.</summary>
    public long Left => Math.Max(0, length - Position);

    /// <summary>The next byte.</summary>
    public byte Byte() => Take(1) is { Length: 1 } bytes ? bytes[0] : (byte)0;

    /// <summary>The next two bytes as a number.</summary>
    public ushort UInt16() => Take(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    /// <summary>The next four bytes as a number.</summary>
    public uint UInt32() => Take(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    /// <summary>The next eight bytes as a number.</summary>
    public ulong UInt64() => Take(8) is { Length: 8 } bytes ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;

    /// <summary>The next text as UTF-8, good until the next call; one of more than <paramref name="limit"/> bytes, which is less than the buffer has, is skipped and is as none.</summary>
    public ReadOnlySpan<byte> ShortText(int limit)
    {
        var size = UInt64();
        if (!Has(size, 1))
        {
            return default;
        }

        if (size > (ulong)limit)
        {
            Skip(size, 1);
            return default;
        }

        return Take((int)size);
    }

    /// <summary>The next text, at most its first <paramref name="limit"/> bytes; the rest is skipped.</summary>
    public string Text(int limit)
    {
        var size = UInt64();
        if (!Has(size, 1))
        {
            return "";
        }

        var kept = (int)Math.Min(size, (ulong)limit);
        var bytes = ArrayPool<byte>.Shared.Rent(Math.Max(1, kept));
        try
        {
            for (var at = 0; at < kept;)
            {
                var piece = Take(Math.Min(kept - at, _buffer.Length));
                if (piece.IsEmpty)
                {
                    return "";
                }

                piece.CopyTo(bytes.AsSpan(at));
                at += piece.Length;
            }

            Skip(size - (ulong)kept, 1);
            return System.Text.Encoding.UTF8.GetString(bytes, 0, kept);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>Goes on after so many values of one size.</summary>
    public void Skip(ulong count, int size)
    {
        if (Has(count, size))
        {
            var bytes = (long)count * size;
            var buffered = (int)Math.Min(bytes, _end - _start);
            _start += buffered;
            Advance(bytes);
            if (bytes > buffered && Fault is null)
            {
                stream.Seek(bytes - buffered, SeekOrigin.Current);
            }
        }
    }

    /// <summary>Goes on after so many texts.</summary>
    public void SkipTexts(ulong count)
    {
        while (count > 0 && Fault is null)
        {
            count -= SkipBuffered(count);
            if (count > 0)
            {
                Skip(UInt64(), 1);
                count--;
            }
        }
    }

    /// <summary>Whether so many values of one size may follow, by the length of the file; if not, that is its fault.</summary>
    public bool Has(ulong count, int size)
    {
        if (Fault is null && count > (ulong)Left / (ulong)size)
        {
            Refuse($"is truncated: its head goes on after its last byte, {length}");
        }

        return Fault is null;
    }

    /// <summary>Keeps the first fault.</summary>
    /// <param name="fault">What the file does or is, without a subject.</param>
    public void Refuse(string fault) => Fault ??= fault;

    public void Dispose() => ArrayPool<byte>.Shared.Return(_buffer);

    // A tokenizer has hundreds of thousands of texts of a few bytes, so those that lie whole in the buffer are skipped without a look at anything else.
    private ulong SkipBuffered(ulong count)
    {
        var bytes = _buffer.AsSpan(_start, (int)Math.Min(_end - _start, Left));
        var (skipped, at) = (0UL, 0);
        while (skipped < count && bytes.Length - at >= sizeof(ulong))
        {
            var size = BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
            if (size > (ulong)(bytes.Length - at - sizeof(ulong)))
            {
                break;
            }

            at += sizeof(ulong) + (int)size;
            skipped++;
        }

        _start += at;
        Advance(at);
        return skipped;
    }

    // The next bytes, at most a buffer of them; none after a fault.
    private ReadOnlySpan<byte> Take(int count)
    {
        if (!Has((ulong)count, 1) || !Fill(count))
        {
            return default;
        }

        var bytes = _buffer.AsSpan(_start, count);
        _start += count;
        Advance(count);
        return bytes;
    }

    private bool Fill(int count)
    {
        if (_end - _start >= count)
        {
            return true;
        }

        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        while (_end < count)
        {
            var read = stream.Read(_buffer, _end, _buffer.Length - _end);
            if (read <= 0)
            {
                Refuse($"became shorter while it was read: it ends at byte {Position + _end}, and had {length}");
                return false;
            }

            _end += read;
        }

        return true;
    }

    private void Advance(long bytes)
    {
        Position += bytes;
        if (Position > Limit)
        {
            Refuse($"has a head of more than {Limit >> 20} MB, which no model needs");
        }
    }
}
