using System.Collections.Concurrent;

namespace MlxGateway.Inference.Bodies;

/// <summary>
/// The blocks of 1 MB that large bodies lie in. Every block that comes back is kept for the next body, and those that nobody needed for a while are given back to the system: a large body costs its own
/// size and leaves nothing behind.
/// </summary>
/// <remarks>The pool of the runtime keeps so and so many blocks for each processor and makes garbage of the others: a second body of 100 MB then took as much again, until the next great collection.</remarks>
internal sealed class BodyBlocks(TimeProvider time)
{
    /// <summary>The size of each block.</summary>
    public const int Size = 1 << 20;

    /// <summary>For how long nobody must have needed a block.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ConcurrentStack<byte[]> _free = new();
    private readonly Lock _trimming = new();
    private ITimer? _timer;
    private int _unneeded;

    /// <summary>Those of this process.</summary>
    public static BodyBlocks Shared { get; } = new(TimeProvider.System);

    /// <summary>How many blocks are kept and not in use.</summary>
    public int Free => _free.Count;

    /// <summary>A block with anything in it.</summary>
    public byte[] Rent()
    {
        if (!_free.TryPop(out var block))
        {
            Volatile.Write(ref _unneeded, 0);
            return GC.AllocateUninitializedArray<byte>(Size);
        }

        // Two at once may miss the lowest mark; the next look is not far.
        var left = _free.Count;
        if (left < Volatile.Read(ref _unneeded))
        {
            Volatile.Write(ref _unneeded, left);
        }

        return block;
    }

    /// <summary>Takes a block back that <see cref="Rent"/> gave.</summary>
    public void Return(byte[] block)
    {
        _free.Push(block);
        if (Volatile.Read(ref _timer) is null)
        {
            Watch();
        }
    }

    private void Watch()
    {
        lock (_trimming)
        {
            _timer ??= time.CreateTimer(static self => ((BodyBlocks)self!).Trim(), this, Patience, Patience);
        }
    }

    // Drops what was free all the time since the last look.
    private void Trim()
    {
        lock (_trimming)
        {
            var unneeded = Volatile.Read(ref _unneeded);
            var dropped = 0;
            while (dropped < unneeded && _free.TryPop(out _))
            {
                dropped++;
            }

            Volatile.Write(ref _unneeded, _free.Count);
            if (_free.IsEmpty)
            {
                Interlocked.Exchange(ref _timer, null)?.Dispose();
                if (!_free.IsEmpty)
                {
                    Watch(); // it came back in this moment, and still saw the timer
                }
            }

            if (dropped > 0)
            {
                // Nothing else would make a process at rest let go of them. It is not waited for, and the rest of the heap is small.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
            }
        }
    }
}
