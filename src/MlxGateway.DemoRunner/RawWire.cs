using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;

namespace MlxGateway.DemoRunner;

/// <summary>
/// An answer written on the socket itself, behind the HTTP server's back, which has read the request and has written nothing yet. Only so are the bytes
/// before a fault certainly with the kernel when the fault comes, and only so can a connection end in ways that a server would not let it end.
/// </summary>
/// <param name="context">The request. Its connection is not used again.</param>
/// <param name="closeDelimited">Whether the end of the connection is the end of the body.</param>
internal sealed class RawWire(HttpContext context, bool closeDelimited) : IWire
{
    private static readonly TimeSpan Linger = TimeSpan.FromSeconds(2);

    private readonly Socket _socket = context.Features.Get<IConnectionSocketFeature>()!.Socket;
    private bool _chunked;

    /// <inheritdoc/>
    public Task StartAsync(int status, string contentType, long? length, CancellationToken cancellationToken)
    {
        _chunked = length is null && !closeDelimited;
        var framing = closeDelimited ? "Connection: close\r\n" : _chunked ? "Transfer-Encoding: chunked\r\n" : $"Content-Length: {length}\r\n";
        var head = $"HTTP/{(closeDelimited ? "1.0" : "1.1")} {status} {(status == 200 ? "OK" : "Error")}\r\nContent-Type: {contentType}\r\n{framing}\r\n";
        return SendAsync(Encoding.ASCII.GetBytes(head), cancellationToken);
    }

    /// <inheritdoc/>
    public Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        SendAsync(_chunked ? Chunk(bytes.Span) : bytes, cancellationToken);

    /// <inheritdoc/>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        if (_chunked)
        {
            await SendAsync("0\r\n\r\n"u8.ToArray(), cancellationToken);
        }

        // Our half is closed; the client's follows when it has read everything. Closing both at once would reset what it has not read yet.
        _socket.Shutdown(SocketShutdown.Send);
        await Task.Delay(Linger, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Reset();
    }

    /// <inheritdoc/>
    public void Reset() => context.Abort();

    private static byte[] Chunk(ReadOnlySpan<byte> bytes) => [.. Encoding.ASCII.GetBytes($"{bytes.Length:X}\r\n"), .. bytes, .. "\r\n"u8];

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, cancellationToken)..];
        }
    }
}
