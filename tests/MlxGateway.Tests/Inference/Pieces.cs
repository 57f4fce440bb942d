using System.Buffers;

namespace MlxGateway.Tests.Inference;

/// <summary>Bytes in pieces, as a network gives them.</summary>
internal static class Pieces
{
    /// <summary>The bytes as a sequence of random segments.</summary>
    public static ReadOnlySequence<byte> Sequence(byte[] bytes, Random random)
    {
        var first = new Segment(default, null);
        var last = first;
        foreach (var piece in Cut(bytes, random))
        {
            last = new Segment(piece, last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    /// <summary>The bytes in random pieces; one time in four in single bytes.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Cut(byte[] bytes, Random random)
    {
        var longest = random.Next(4) == 0 ? 1 : random.Next(1, 40);
        for (var at = 0; at < bytes.Length;)
        {
            var length = Math.Min(random.Next(1, longest + 1), bytes.Length - at);
            yield return bytes.AsMemory(at, length);
            at += length;
        }
    }

    /// <summary>A stream that gives its bytes in random pieces.</summary>
    public static Stream Stream(byte[] bytes, Random random) => new Trickle(new Queue<ReadOnlyMemory<byte>>(Cut(bytes, random)));

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }

    private sealed class Trickle(Queue<ReadOnlyMemory<byte>> pieces) : MemoryStream
    {
        private ReadOnlyMemory<byte> _rest;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_rest.IsEmpty && !pieces.TryDequeue(out _rest))
            {
                return new(0);
            }

            var take = Math.Min(buffer.Length, _rest.Length);
            _rest[..take].CopyTo(buffer);
            _rest = _rest[take..];
            return new(take);
        }
    }
}
