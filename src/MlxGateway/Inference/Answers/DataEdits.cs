using System.Buffers;

namespace MlxGateway.Inference.Answers;

/// <summary>Bytes of one JSON object that are to be replaced by others, in order. Used again and again, so that events that are changed cost no memory either.</summary>
internal sealed class DataEdits
{
    private readonly List<(int Offset, int Taken, int From, int Length)> _edits = new(4);
    private readonly ArrayBufferWriter<byte> _put = new(256);

    /// <summary>How many there are.</summary>
    public int Count => _edits.Count;

    /// <summary>Puts bytes in the place of others. The edits come in the order of their places; an insertion takes nothing away.</summary>
    /// <param name="offset">Where the others begin.</param>
    /// <param name="taken">How many they are.</param>
    /// <param name="put">What comes in their place. It is copied.</param>
    public void Put(int offset, int taken, ReadOnlySpan<byte> put)
    {
        _edits.Add((offset, taken, _put.WrittenCount, put.Length));
        _put.Write(put);
    }

    /// <summary>Forgets them.</summary>
    public void Clear()
    {
        _edits.Clear();
        _put.ResetWrittenCount();
    }

    /// <summary>Writes the bytes with their edits.</summary>
    public void Apply(ReadOnlySpan<byte> bytes, ArrayBufferWriter<byte> to)
    {
        var copied = 0;
        foreach (var (offset, taken, from, length) in _edits)
        {
            to.Write(bytes[copied..offset]);
            to.Write(_put.WrittenSpan.Slice(from, length));
            copied = offset + taken;
        }

        to.Write(bytes[copied..]);
    }
}
