using Microsoft.Win32.SafeHandles;

namespace MlxGateway.Supervision.Processes;

/// <summary>
/// The file that a child writes its output to, read as it grows and cut when it has grown too much. The child appends, and so goes on at the
/// beginning of a file that was truncated under it.
/// </summary>
internal sealed class LogFile(string path, LogLimits limits) : IDisposable
{
    public const string RotatedSuffix = ".1";

    private readonly SafeFileHandle _handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
    private readonly byte[] _buffer = new byte[16 * 1024];
    private long _offset;

    public string Path => path;

    /// <summary>Reads what has been written since the last time. Of a flood only the last part is read, since no one could read the rest either.</summary>
    /// <param name="piece">Gets the bytes, in order.</param>
    /// <param name="gap">Told how many bytes were passed over, before the bytes behind them.</param>
    /// <returns>How many bytes were written.</returns>
    public long ReadNew(ReadOnlySpanAction piece, Action<long> gap)
    {
        var length = RandomAccess.GetLength(_handle);
        _offset = Math.Min(_offset, length); // somebody else truncated it
        var written = length - _offset;
        if (written > limits.LongestRead)
        {
            var next = length - (limits.LongestRead / 4);
            gap(next - _offset);
            _offset = next;
        }

        while (_offset < length && RandomAccess.Read(_handle, _buffer, _offset) is var read and > 0)
        {
            _offset += read;
            piece(_buffer.AsSpan(0, read));
        }

        return written;
    }

    /// <summary>If the file is too large, moves its end to the file beside it and empties it.</summary>
    /// <remarks>What is written between the copy and the cut is lost. That is the price of a file that the child keeps open, and it is paid only when it is full.</remarks>
    public void RotateIfLarge()
    {
        if (_offset <= limits.Largest)
        {
            return;
        }

        try
        {
            CopyEnd();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk is one more reason to empty it.
        }

        RandomAccess.SetLength(_handle, 0);
        _offset = 0;
    }

    public void Dispose() => _handle.Dispose();

    private void CopyEnd()
    {
        using var copy = PrivateFiles.Create(path + RotatedSuffix);
        var end = RandomAccess.GetLength(_handle);
        for (var from = Math.Max(0, end - limits.Largest); from < end && RandomAccess.Read(_handle, _buffer, from) is var read and > 0; from += read)
        {
            copy.Write(_buffer, 0, read);
        }
    }

    /// <summary>Gets some bytes, which are only there during the call.</summary>
    public delegate void ReadOnlySpanAction(ReadOnlySpan<byte> bytes);
}

/// <summary>How much of a child's output is kept.</summary>
/// <param name="Largest">At how many bytes the file is cut; as many are kept in the file beside it.</param>
/// <param name="LongestRead">How many bytes are read at a time; of more, only the last quarter of this.</param>
internal sealed record LogLimits(long Largest, long LongestRead)
{
    public static LogLimits Default { get; } = new(4 << 20, 1 << 20);
}
