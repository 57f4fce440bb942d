using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>How an exchange came to its end, as the client saw it.</summary>
internal enum Parting
{
    /// <summary>The response is whole.</summary>
    Whole,

    /// <summary>The gateway closed the connection.</summary>
    Closed,

    /// <summary>The gateway reset the connection.</summary>
    Reset,

    /// <summary>The client has read as much as it meant to, and left.</summary>
    Left,

    /// <summary>Nothing that ends a response has come for as long as the client waits.</summary>
    TimedOut,
}

/// <summary>One request and what came of it.</summary>
/// <param name="Request">The request.</param>
/// <param name="Response">What came.</param>
/// <param name="Parting">How it ended.</param>
/// <param name="Began">When it was sent.</param>
/// <param name="Ended">When it was over.</param>
internal sealed record ChaosExchange(ChaosRequest Request, WireReader Response, Parting Parting, DateTimeOffset Began, DateTimeOffset Ended)
{
    /// <summary>What the connection had served before; null: it was new.</summary>
    public string? Before { get; init; }
}

/// <summary>A client that keeps its connections as long as the gateway does, and looks at the bytes themselves.</summary>
internal sealed class ChaosClient(Uri gateway, CancellationToken cancellationToken) : IDisposable
{
    /// <summary>How long a client waits that has no reason to doubt: far longer than anything takes here.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <summary>How long one waits whose runner will say no more.</summary>
    private static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(3);

    private readonly ConcurrentBag<(Socket Socket, string Served)> _idle = [];

    /// <summary>Sends a request and takes its answer.</summary>
    public async Task<ChaosExchange> SendAsync(ChaosRequest request)
    {
        var began = TimeProvider.System.GetUtcNow();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(request.Trouble is Trouble.Hangs ? ShortPatience : Patience);
        var response = new WireReader();
        var (socket, before) = await ConnectAsync(slow: request.Manner is Manner.Slow);
        var sending = SendAsync(socket, request, limit.Token);
        var parting = await ReceiveAsync(socket, request, response, limit.Token);
        var keeps = parting is Parting.Whole && response.KeepsConnection && sending.IsCompletedSuccessfully && await sending && request.Manner is not Manner.Slow;
        if (keeps)
        {
            _idle.Add((socket, $"{request} with {response.Status} at {TimeProvider.System.GetUtcNow():HH:mm:ss.fff}"));
        }
        else
        {
            socket.Dispose();
            await sending;
        }

        return new ChaosExchange(request, response, parting, began, TimeProvider.System.GetUtcNow()) { Before = before };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (socket, _) in _idle)
        {
            socket.Dispose();
        }
    }

    private async Task<(Socket Socket, string? Served)> ConnectAsync(bool slow)
    {
        // As every client library does: a connection that the other side has closed meanwhile is not used again.
        while (!slow && _idle.TryTake(out var idle))
        {
            if (!idle.Socket.Poll(0, SelectMode.SelectRead))
            {
                return idle;
            }

            idle.Socket.Dispose();
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (slow)
        {
            socket.ReceiveBufferSize = 4096;
        }

        await socket.ConnectAsync(gateway.Host, gateway.Port, cancellationToken);
        return (socket, null);
    }

    // Whether all of it went out. What the gateway refuses before it has read it, it need not read; only the answer counts.
    private static async Task<bool> SendAsync(Socket socket, ChaosRequest request, CancellationToken limit)
    {
        var body = request.Body();
        var priority = request.Background ? "X-Priority: background\r\n" : "";
        ReadOnlyMemory<byte> rest = Encoding.ASCII.GetBytes($"POST {request.Path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{priority}Content-Length: {body.Length}\r\n\r\n{body}");
        try
        {
            while (rest.Length > 0)
            {
                rest = rest[await socket.SendAsync(rest, limit)..];
            }

            return true;
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task<Parting> ReceiveAsync(Socket socket, ChaosRequest request, WireReader response, CancellationToken limit)
    {
        var buffer = new byte[request.Manner is Manner.Slow ? 1024 : 16 * 1024];
        using var pauses = new PeriodicTimer(Pause);
        try
        {
            while (true)
            {
                if (request.Manner is Manner.Leaves && response.Received >= request.LeavesAfter)
                {
                    return Parting.Left;
                }

                var read = await socket.ReceiveAsync(buffer, limit);
                if (read == 0)
                {
                    return Parting.Closed;
                }

                response.Add(buffer.AsSpan(0, read));
                if (response.IsWhole || response.Flaw is not null)
                {
                    return Parting.Whole;
                }

                if (request.Manner is Manner.Slow)
                {
                    await pauses.WaitForNextTickAsync(limit); // a reader that is slow, not one that waits for something
                }
            }
        }
        catch (SocketException)
        {
            return Parting.Reset;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return request.Trouble is Trouble.Hangs ? Parting.Left : Parting.TimedOut;
        }
    }
}
