using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace MlxGateway.Supervision.Runners;

/// <summary>
/// A connection on which the head of a request waits for its body, so that both leave in one piece. The client library sends them one after the other; a runner is a process of
/// another session, which the scheduler wakes for the head alone, and which then waits again: measured, that doubles its work for a small request.
/// </summary>
/// <remarks>Only a head that is surely followed by a body is held back: everything else is sent at once.</remarks>
internal sealed class WholeRequestStream : Stream
{
    // A larger first piece of the body is sent behind the head instead of being copied together with it.
    private const int Joined = 16 * 1024;
    private readonly Socket _socket;
    private readonly RunnerPulse? _pulse;
    private readonly NetworkStream _inner;
    private byte[]? _head;
    private int _held;

    /// <param name="socket">A connected socket, which becomes the stream's own.</param>
    /// <param name="pulse">Is told when something comes; null: nobody is.</param>
    public WholeRequestStream(Socket socket, RunnerPulse? pulse = null)
    {
        _socket = socket;
        _pulse = pulse;
        _inner = new NetworkStream(socket, ownsSocket: true);
        pulse?.Opened(socket);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_held == 0)
        {
            return IsHeadOfRequestWithBody(buffer.Span) ? Hold(buffer.Span) : _inner.WriteAsync(buffer, cancellationToken);
        }

        var head = _held;
        _held = 0;
        if (head + buffer.Length > _head!.Length)
        {
            return WriteBothAsync(head, buffer, cancellationToken);
        }

        buffer.CopyTo(_head.AsMemory(head));
        return _inner.WriteAsync(_head.AsMemory(0, head + buffer.Length), cancellationToken);
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _pulse is null ? _inner.ReadAsync(buffer, cancellationToken) : ReadWithPulseAsync(buffer, _pulse, cancellationToken);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => _inner.Read(buffer, offset, count);

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("Requests are sent asynchronously.");

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pulse?.Closed(_socket);
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    // The gateway's own requests: a POST always has a body, and its bytes are there already. One whose length is zero would never be sent.
    private static bool IsHeadOfRequestWithBody(ReadOnlySpan<byte> bytes) =>
        bytes.Length < Joined / 2 && bytes.StartsWith("POST "u8) && bytes.EndsWith("\r\n\r\n"u8)
        && bytes.IndexOf("\r\nContent-Length: "u8) is >= 0 and var at && bytes[at + "\r\nContent-Length: ".Length] != '0';

    private ValueTask Hold(ReadOnlySpan<byte> head)
    {
        _head ??= new byte[Joined];
        head.CopyTo(_head);
        _held = head.Length;
        return ValueTask.CompletedTask;
    }

    // Pooled: there is one such read for every piece of every stream.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadWithPulseAsync(Memory<byte> buffer, RunnerPulse pulse, CancellationToken cancellationToken)
    {
        var read = await _inner.ReadAsync(buffer, cancellationToken);
        if (read > 0)
        {
            pulse.Beat();
        }

        return read;
    }

    private async ValueTask WriteBothAsync(int head, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        await _inner.WriteAsync(_head.AsMemory(0, head), cancellationToken);
        await _inner.WriteAsync(body, cancellationToken);
    }
}
