using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace MlxGateway.Inference.Uploads;

/// <summary>
/// A body that may be large: its first bytes are held in memory, and all of it in a file as soon as there are more. The file has no name, so that nothing is left of it however the gateway ends.
/// </summary>
internal sealed class SpilledBody : IDisposable
{
    private const int PieceSize = 64 * 1024;

    private readonly int _inMemory;
    private byte[]? _memory;
    private SafeFileHandle? _file;

    private SpilledBody(int inMemory) => _inMemory = inMemory;

    /// <summary>The number of bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Whether it lies in a file.</summary>
    public bool IsOnDisk => _file is not null;

    /// <summary>Reads the stream to its end.</summary>
    /// <param name="source">The client's body.</param>
    /// <param name="announced">The announced length, if one was.</param>
    /// <param name="limit">The most bytes that it may have.</param>
    /// <param name="inMemory">How many bytes are held in memory.</param>
    /// <param name="seen">Sees every piece as it comes; false: the rest does not matter any more.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    /// <returns>Null: it is longer than the limit, or it was not wanted any more; what comes behind is still unread.</returns>
    public static async ValueTask<SpilledBody?> ReadAsync(Stream source, long? announced, long limit, int inMemory, Func<ReadOnlyMemory<byte>, bool>? seen, CancellationToken cancellationToken)
    {
        if (announced > limit)
        {
            return null;
        }

        var body = new SpilledBody(inMemory);
        var piece = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            for (int read; (read = await source.ReadAsync(piece, cancellationToken)) > 0;)
            {
                if (body.Length + read > limit || seen?.Invoke(piece.AsMemory(0, read)) == false)
                {
                    body.Dispose();
                    return null;
                }

                await body.AddAsync(piece.AsMemory(0, read), cancellationToken);
            }

            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Copies bytes from a place on; returns how many, 0 at the end.</summary>
    public ValueTask<int> ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        buffer = buffer[..(int)Math.Min(buffer.Length, Length - offset)];
        if (_file is { } file)
        {
            return RandomAccess.ReadAsync(file, buffer, offset, cancellationToken);
        }

        _memory.AsMemory((int)offset, buffer.Length).CopyTo(buffer);
        return new(buffer.Length);
    }

    /// <summary>The same, on the spot.</summary>
    public int Read(long offset, Span<byte> buffer)
    {
        buffer = buffer[..(int)Math.Min(buffer.Length, Length - offset)];
        if (_file is { } file)
        {
            return RandomAccess.Read(file, buffer, offset);
        }

        _memory.AsSpan((int)offset, buffer.Length).CopyTo(buffer);
        return buffer.Length;
    }

    /// <summary>Gives memory and file back.</summary>
    public void Dispose()
    {
        if (_memory is not null)
        {
            ArrayPool<byte>.Shared.Return(_memory);
            _memory = null;
        }

        _file?.Dispose();
    }

    private async ValueTask AddAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_file is null && Length + bytes.Length <= _inMemory)
        {
            MakeRoom((int)Length + bytes.Length);
            bytes.CopyTo(_memory.AsMemory((int)Length));
        }
        else
        {
            if (_file is null)
            {
                _file = OpenNameless();
                await RandomAccess.WriteAsync(_file, _memory.AsMemory(0, (int)Length), 0, cancellationToken);
            }

            await RandomAccess.WriteAsync(_file, bytes, Length, cancellationToken);
        }

        Length += bytes.Length;
    }

    private void MakeRoom(int size)
    {
        if (_memory?.Length >= size)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(size, PieceSize));
        if (_memory is not null)
        {
            _memory.AsSpan(0, (int)Length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_memory);
        }

        _memory = larger;
    }

    // Its name goes as soon as it is open: then the system itself takes it away with the last handle, also when the gateway is killed.
    private static SafeFileHandle OpenNameless()
    {
        var path = Path.Combine(Path.GetTempPath(), $"mlxgateway-upload-{Guid.NewGuid():n}");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, FileOptions.Asynchronous);
        File.Delete(path);
        return file;
    }
}
