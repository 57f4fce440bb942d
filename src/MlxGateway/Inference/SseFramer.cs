using System.Buffers;

namespace MlxGateway.Inference;

/// <summary>
/// Cuts the bytes of a server-sent stream into whole events, whatever pieces they come in. An event ends at an empty line; lines end with LF, CRLF or CR-free LF
/// as every engine writes them. Whole events in one piece are handed on as they stand; only an event that came in several pieces is put together.
/// </summary>
internal sealed class SseFramer : IDisposable
{
    /// <summary>An event larger than this is handed on in parts, so that a runner cannot make the gateway hold any amount.</summary>
    public const int EventLimit = 4 << 20;

    private byte[]? _held;
    private int _count;

    /// <summary>Bytes of an event that is not whole yet.</summary>
    public ReadOnlyMemory<byte> Held => _held.AsMemory(0, _count);

    /// <summary>Takes the whole events off the front of <paramref name="bytes"/>, joined with what was held. False: there is none yet, and the bytes are held.</summary>
    /// <param name="bytes">New bytes; on return those behind <paramref name="events"/>.</param>
    /// <param name="events">One or more whole events, each with its empty line. Valid until the next call.</param>
    public bool TryTake(ref ReadOnlyMemory<byte> bytes, out ReadOnlyMemory<byte> events)
    {
        if (_count == 0)
        {
            var end = EndOfLastEvent(bytes.Span);
            events = bytes[..end];
            bytes = bytes[end..];
            if (end > 0)
            {
                return true;
            }

            Hold(bytes.Span);
            bytes = default;
            return false;
        }

        // Complete the held event first, and only it: the rest then stands whole in the caller's bytes.
        var before = _count;
        Hold(bytes.Span[..Math.Min(bytes.Length, EventLimit)]);
        var first = EndOfFirstEvent(_held.AsSpan(0, _count), Math.Max(0, before - 3));
        if (first == 0 && _count < EventLimit)
        {
            bytes = default;
            events = default;
            return false;
        }

        first = first == 0 ? _count : first;
        events = _held.AsMemory(0, first);
        bytes = bytes[(first - before)..];
        _count = 0;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_held is not null)
        {
            ArrayPool<byte>.Shared.Return(_held);
            _held = null;
            _count = 0;
        }
    }

    // The index behind the first empty line at or after `from`; 0: there is none.
    internal static int EndOfFirstEvent(ReadOnlySpan<byte> bytes, int from)
    {
        for (var at = from; ;)
        {
            var feed = bytes[at..].IndexOf((byte)'\n');
            if (feed < 0)
            {
                return 0;
            }

            at += feed + 1;
            if (at < bytes.Length && bytes[at] == '\n')
            {
                return at + 1;
            }

            if (at + 1 < bytes.Length && bytes[at] == '\r' && bytes[at + 1] == '\n')
            {
                return at + 2;
            }
        }
    }

    private static int EndOfLastEvent(ReadOnlySpan<byte> bytes)
    {
        var lf = bytes.LastIndexOf("\n\n"u8);
        var crlf = bytes.LastIndexOf("\n\r\n"u8);
        return Math.Max(lf < 0 ? 0 : lf + 2, crlf < 0 ? 0 : crlf + 3);
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        if (_held is null || _held.Length - _count < bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(1024, (_count + bytes.Length) * 2));
            _held.AsSpan(0, _count).CopyTo(larger);
            if (_held is not null)
            {
                ArrayPool<byte>.Shared.Return(_held);
            }

            _held = larger;
        }

        bytes.CopyTo(_held.AsSpan(_count));
        _count += bytes.Length;
    }
}
