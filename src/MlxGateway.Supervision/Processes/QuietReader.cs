using MlxGateway.Supervision.Processes.Posix;

namespace MlxGateway.Supervision.Processes;

/// <summary>Reads files for nothing but to have them in the system's cache, on a thread of its own whose reading is behind everybody else's.</summary>
public static class QuietReader
{
    // Large enough that the disk streams, small enough that a stop is heeded at once.
    private const int Chunk = 1 << 20;

    /// <summary>Begins to read. What cannot be read is left out.</summary>
    /// <param name="files">Absolute paths, in the order in which they are read.</param>
    /// <param name="limit">The most bytes to read.</param>
    /// <param name="cancellationToken">Stops it after the chunk in hand.</param>
    /// <returns>Completes with the number of bytes that were read, when it is done or was stopped. Never faults.</returns>
    public static Task<long> ReadAsync(IReadOnlyList<string> files, long limit, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() => done.SetResult(Read(files, limit, cancellationToken))) { IsBackground = true, Name = "quiet reader" }.Start();
        return done.Task;
    }

    private static long Read(IReadOnlyList<string> files, long limit, CancellationToken cancellationToken)
    {
        ReadingPriority.LowerThisThread();
        var buffer = new byte[Chunk];
        var read = 0L;
        foreach (var file in files)
        {
            read += Read(file, buffer, limit - read, cancellationToken);
        }

        return read;
    }

    private static long Read(string file, byte[] buffer, long limit, CancellationToken cancellationToken)
    {
        var at = 0L;
        try
        {
            using var handle = File.OpenHandle(file, options: FileOptions.SequentialScan);
            while (at < limit && !cancellationToken.IsCancellationRequested && RandomAccess.Read(handle, buffer.AsSpan(0, (int)Math.Min(buffer.Length, limit - at)), at) is > 0 and var count)
            {
                at += count;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone, or not ours to read: whoever launches the model will say so.
        }

        return at;
    }
}
