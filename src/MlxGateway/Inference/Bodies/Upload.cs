using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MlxGateway.Inference.Bodies;

/// <summary>
/// The bytes of an upload: the first ones in memory, the rest in a file that has no name any more once it is open, so that whatever ends the request or the gateway ends the file.
/// </summary>
internal sealed class Upload(string folder, long spillAfter) : IDisposable
{
    private const int FirstSize = 16 * 1024;
    private readonly int _inMemory = (int)Math.Clamp(spillAfter, 0, 1 << 30);
    private byte[] _head = [];
    private int _headLength;
    private SafeFileHandle? _file;
    private bool _disposed;

    /// <summary>The number of bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Whether some of them are on disk.</summary>
    public bool IsSpilled => _file is not null;

    /// <summary>Adds bytes behind the others.</summary>
    /// <exception cref="SpillException">There is no room on disk for them, or no right to write there.</exception>
    public async ValueTask AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var room = Math.Min(_inMemory - _headLength, bytes.Length);
        if (room > 0)
        {
            Grow(_headLength + room);
            bytes[..room].CopyTo(_head.AsMemory(_headLength));
            _headLength += room;
            Length += room;
            bytes = bytes[room..];
        }

        if (bytes.IsEmpty)
        {
            return;
        }

        try
        {
            _file ??= Open();
            await RandomAccess.WriteAsync(_file, bytes, Length - _headLength, cancellationToken);
            Length += bytes.Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SpillException(e);
        }
    }

    /// <summary>Copies bytes from a place in it on; at least one, unless it is the end.</summary>
    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return offset < _headLength ? new(CopyHead(offset, buffer.Span))
            : _file is null ? new(0)
            : RandomAccess.ReadAsync(_file, buffer, offset - _headLength, cancellationToken);
    }

    /// <summary>The same, waiting for the disk.</summary>
    public int Read(long offset, Span<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return offset < _headLength ? CopyHead(offset, buffer) : _file is null ? 0 : RandomAccess.Read(_file, buffer, offset - _headLength);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _file?.Dispose();
        if (_head.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_head);
        }
    }

    private int CopyHead(long offset, Span<byte> buffer)
    {
        var take = (int)Math.Min(_headLength - offset, buffer.Length);
        _head.AsSpan((int)offset, take).CopyTo(buffer);
        return take;
    }

    private void Grow(int needed)
    {
        if (needed <= _head.Length)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(_inMemory, Math.Max(FirstSize, Math.Max(needed, _head.Length * 2L))));
        _head.AsSpan(0, _headLength).CopyTo(larger);
        if (_head.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_head);
        }

        _head = larger;
    }

    private SafeFileHandle Open()
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return File.OpenHandle(Path.Combine(folder, Path.GetRandomFileName()), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.Asynchronous | FileOptions.DeleteOnClose);
        }

        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var path = Path.Combine(folder, Path.GetRandomFileName());
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.Asynchronous);
        try
        {
            // The descriptor keeps the bytes; without a name not even a kill can leave them behind.
            File.Delete(path);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}

/// <summary>An upload could not be kept on disk.</summary>
internal sealed class SpillException(Exception cause) : Exception(cause.Message, cause);
