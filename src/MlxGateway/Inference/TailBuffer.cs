using System.Buffers;

namespace MlxGateway.Inference;

/// <summary>The last bytes of a body that is passed on as it is: enough to see how it ends and to find the token counts, which engines write last.</summary>
internal sealed class TailBuffer : IDisposable
{
    private const int Size = 4096;
    private byte[]? _bytes;
    private int _count;

    /// <summary>Whether the last byte that is not white space closes an object or an array.</summary>
    public bool EndsLikeJson => _bytes.AsSpan(0, _count).TrimEnd(" \r\n\t"u8) is [.., (byte)'}' or (byte)']'];

    /// <summary>Notes bytes that have just been passed on.</summary>
    public void Add(ReadOnlySpan<byte> passed)
    {
        _bytes ??= ArrayPool<byte>.Shared.Rent(2 * Size);
        if (passed.Length >= Size)
        {
            passed[^Size..].CopyTo(_bytes);
            _count = Size;
            return;
        }

        if (_count + passed.Length > 2 * Size)
        {
            _bytes.AsSpan(_count - Size, Size).CopyTo(_bytes);
            _count = Size;
        }

        passed.CopyTo(_bytes.AsSpan(_count));
        _count += passed.Length;
    }

    /// <summary>The token counts of the last <c>usage</c> and <c>timings</c> members, if they are in the tail.</summary>
    public StreamFacts FindUsage()
    {
        var facts = default(StreamFacts);
        facts.NoteTimings(MemberOf("\"timings\""u8));
        facts.NoteUsage(MemberOf("\"usage\""u8));
        return facts;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_bytes is not null)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = null;
            _count = 0;
        }
    }

    // From the brace of the last member of the name; empty: there is none.
    private ReadOnlySpan<byte> MemberOf(ReadOnlySpan<byte> name)
    {
        var tail = _bytes.AsSpan(0, _count);
        var at = tail.LastIndexOf(name);
        var open = at < 0 ? -1 : tail[at..].IndexOf((byte)'{');
        return open < 0 ? default : tail[(at + open)..];
    }
}
