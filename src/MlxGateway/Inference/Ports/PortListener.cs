using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace MlxGateway.Inference.Ports;

/// <summary>
/// Lets the server take connections of ports that come and go while it runs. The server itself listens, from its start to its end, on one address that exists in this process alone;
/// what comes in at a port is handed over there. So no other connection notices that a port is opened or closed.
/// </summary>
internal sealed partial class PortListener(TimeProvider time, ILogger<PortListener> logger) : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private const int Backlog = 512;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    // Bounded by what the ports accept. The server takes each at once.
    private readonly Channel<ConnectionContext> _accepted = Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });
    private readonly SocketConnectionContextFactory _connections = new(new SocketConnectionFactoryOptions(), logger);

    /// <summary>The address that the server listens on for all ports together.</summary>
    public static EndPoint Address { get; } = new InnerEndPoint();

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is InnerEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Inner(_accepted));

    /// <summary>Begins to listen, on 127.0.0.1 and, where there is IPv6, on [::1].</summary>
    /// <returns>Ends it.</returns>
    /// <exception cref="SocketException">The port is taken, or may not be listened on.</exception>
    public IDisposable Listen(ModelPort port)
    {
        List<Socket> sockets = [];
        try
        {
            sockets.Add(Bind(IPAddress.Loopback, port.Number));
            if (Socket.OSSupportsIPv6)
            {
                sockets.Add(Bind(IPAddress.IPv6Loopback, port.Number));
            }
        }
        catch (SocketException failed) when (sockets.Count > 0 && failed.SocketErrorCode != SocketError.AddressAlreadyInUse)
        {
            // The machine could have IPv6 and has none; many containers are like that.
        }
        catch
        {
            sockets.ForEach(static s => s.Dispose());
            throw;
        }

        foreach (var socket in sockets)
        {
            _ = AcceptAsync(socket, port);
        }

        return new Sockets(sockets);
    }

    /// <inheritdoc/>
    public void Dispose() => _connections.Dispose();

    // Somebody may listen on all addresses and not on the loopback: whoever connects would reach now the one and now the other.
    private static Socket Bind(IPAddress address, int port)
    {
        var every = address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        using (var trial = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp))
        {
            trial.Bind(new IPEndPoint(every, port));
        }

        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(Backlog);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task AcceptAsync(Socket listening, ModelPort port)
    {
        while (true)
        {
            try
            {
                var socket = await listening.AcceptAsync();
                socket.NoDelay = true;
                var connection = _connections.Create(socket);
                connection.Features.Set(port);
                if (!_accepted.Writer.TryWrite(connection))
                {
                    await connection.DisposeAsync(); // the server is going
                }
            }
            catch (Exception over) when (over is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted or SocketError.Interrupted or SocketError.InvalidArgument })
            {
                return;
            }
            catch (SocketException failed)
            {
                // A client that was gone before it was let in, or no descriptor is free: the next one may be luckier, but not at once.
                Log.NotAccepted(logger, port.Number, failed.Message);
                await Task.Delay(Pause, time);
            }
        }
    }

    private sealed class InnerEndPoint : EndPoint
    {
        public override string ToString() => "model-ports";
    }

    private sealed class Sockets(List<Socket> sockets) : IDisposable
    {
        public void Dispose() => sockets.ForEach(static s => s.Dispose());
    }

    private sealed class Inner(Channel<ConnectionContext> accepted) : IConnectionListener
    {
        public EndPoint EndPoint => Address;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await accepted.Reader.WaitToReadAsync(cancellationToken))
            {
                if (accepted.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            accepted.Writer.TryComplete();
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(4020, LogLevel.Warning, "A connection to port {Port} was not accepted: {Reason}.")]
        public static partial void NotAccepted(ILogger logger, int port, string reason);
    }
}
