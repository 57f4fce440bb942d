using System.Buffers;
using System.Text.Unicode;
using MlxGateway.Inference.Bodies;

namespace MlxGateway.Inference;

/// <summary>A request body, read once into pooled blocks. A small body is one block of its size; a large one is blocks of 1 MB, so that nothing is rounded up to the next power of two.</summary>
internal sealed class PooledBody : IDisposable
{
    private const int LargeBlock = BodyBlocks.Size;
    private const int SmallBlock = 1 << 14;
    private readonly List<Block> _blocks = new(1);
    private bool _returned;

    private PooledBody()
    {
    }

    /// <summary>The number of bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Reads the stream to its end.</summary>
    /// <param name="source">The client's body.</param>
    /// <param name="expected">The announced length, if one was; only a hint.</param>
    /// <param name="limit">The most bytes that it may have.</param>
    /// <returns>Null: it is longer than the limit, and what came behind that is still unread.</returns>
    public static async ValueTask<PooledBody?> ReadAsync(Stream source, long? expected, long limit, CancellationToken cancellationToken)
    {
        if (expected > limit)
        {
            return null;
        }

        var body = new PooledBody();
        try
        {
            // One byte more than announced, so that the read that finds the end needs no further block.
            var next = expected is { } length and < LargeBlock ? (int)length + 1 : expected is null ? SmallBlock : LargeBlock;
            while (await body.FillBlockAsync(source, next, cancellationToken))
            {
                if (body.Length > limit)
                {
                    break;
                }

                next = body.Length >= LargeBlock ? LargeBlock : (int)Math.Max(body.Length, SmallBlock);
            }

            if (body.Length <= limit)
            {
                return body;
            }

            body.Dispose();
            return null;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Reads a stream whose bytes are in memory and whose length is known.</summary>
    public static PooledBody Read(Stream source) => Read(source, LargeBlock);

    /// <summary>The same into blocks of at most such a size.</summary>
    internal static PooledBody Read(Stream source, int most)
    {
        var body = new PooledBody();
        try
        {
            for (var left = source.Length; left > 0; left = source.Length - body.Length)
            {
                var size = (int)Math.Min(left, most);
                var block = Block.Rent(size) with { Count = size };
                body._blocks.Add(block);
                source.ReadExactly(block.Array, 0, size);
                body.Length += size;
            }

            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>The bytes as one sequence over the blocks.</summary>
    public ReadOnlySequence<byte> AsSequence()
    {
        if (_blocks.Count <= 1)
        {
            return _blocks.Count == 0 ? ReadOnlySequence<byte>.Empty : new ReadOnlySequence<byte>(_blocks[0].Array, 0, _blocks[0].Count);
        }

        var first = new Segment(_blocks[0], null);
        var last = first;
        for (var i = 1; i < _blocks.Count; i++)
        {
            last = new Segment(_blocks[i], last);
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    /// <summary>Whether the bytes are UTF-8, also where a character crosses from one block into the next.</summary>
    public bool IsUtf8()
    {
        Span<byte> crossing = stackalloc byte[8];
        var carried = 0;
        for (var i = 0; i < _blocks.Count; i++)
        {
            var block = _blocks[i].AsSpan();
            if (carried > 0)
            {
                // A character has at most 4 bytes, so 3 more than were carried complete it.
                var taken = Math.Min(3, block.Length);
                block[..taken].CopyTo(crossing[carried..]);
                var joined = crossing[..(carried + taken)];
                var decoded = System.Text.Rune.DecodeFromUtf8(joined, out _, out var used);
                if (decoded == OperationStatus.NeedMoreData && taken == block.Length)
                {
                    carried = joined.Length; // it goes on beyond a block that is shorter than it
                    continue;
                }

                if (decoded != OperationStatus.Done)
                {
                    return false;
                }

                block = block[(used - carried)..];
            }

            var tail = i == _blocks.Count - 1 ? 0 : IncompleteTail(block);
            if (!Utf8.IsValid(block[..^tail]))
            {
                return false;
            }

            block[^tail..].CopyTo(crossing);
            carried = tail;
        }

        return carried == 0;
    }

    /// <summary>Gives the blocks back to the pool. Nothing may read the body afterwards.</summary>
    public void Dispose()
    {
        if (_returned)
        {
            return;
        }

        _returned = true;
        foreach (var block in _blocks)
        {
            block.Return();
        }

        _blocks.Clear();
    }

    // How many bytes at the end begin a character that they do not complete.
    private static int IncompleteTail(ReadOnlySpan<byte> block)
    {
        for (var back = 1; back <= Math.Min(3, block.Length); back++)
        {
            var b = block[^back];
            if ((b & 0b1100_0000) != 0b1000_0000)
            {
                var needs = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1;
                return needs > back ? back : 0;
            }
        }

        return 0;
    }

    // True while there may be more.
    private async ValueTask<bool> FillBlockAsync(Stream source, int size, CancellationToken cancellationToken)
    {
        var block = Block.Rent(size);
        var filled = 0;
        try
        {
            while (filled < block.Array.Length)
            {
                var read = await source.ReadAsync(block.Array.AsMemory(filled), cancellationToken);
                if (read == 0)
                {
                    return false;
                }

                filled += read;
            }

            return true;
        }
        finally
        {
            if (filled == 0)
            {
                block.Return();
            }
            else
            {
                _blocks.Add(block with { Count = filled });
                Length += filled;
            }
        }
    }

    // Where it came from is kept with it: a small one of the runtime's pool may be as long as a large one.
    private readonly record struct Block(byte[] Array, bool IsLarge, int Count)
    {
        public static Block Rent(int size) => size == LargeBlock ? new(BodyBlocks.Shared.Rent(), IsLarge: true, 0) : new(ArrayPool<byte>.Shared.Rent(size), IsLarge: false, 0);

        public void Return()
        {
            if (IsLarge)
            {
                BodyBlocks.Shared.Return(Array);
            }
            else
            {
                ArrayPool<byte>.Shared.Return(Array);
            }
        }

        public Span<byte> AsSpan() => Array.AsSpan(0, Count);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(Block block, Segment? previous)
        {
            Memory = block.Array.AsMemory(0, block.Count);
            if (previous is not null)
            {
                RunningIndex = previous.RunningIndex + previous.Memory.Length;
                previous.Next = this;
            }
        }
    }
}
