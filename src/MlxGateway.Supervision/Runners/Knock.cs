using System.Net;
using System.Net.Sockets;

namespace MlxGateway.Supervision.Runners;

/// <summary>Asks whether anybody is at a port. While an engine loads its libraries nobody is, for hundreds of times: an HTTP client throws through all its layers for each, and takes from the engine the processor that it loads with.</summary>
internal static class Knock
{
    /// <summary>Whether a connection to a port of the loopback is accepted; it is closed again at once.</summary>
    public static async ValueTask<bool> IsAnsweredAsync(int port, CancellationToken cancellationToken)
    {
        var connected = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var attempt = new SocketAsyncEventArgs { RemoteEndPoint = new IPEndPoint(IPAddress.Loopback, port) };
        attempt.Completed += (_, done) => connected.TrySetResult(done.SocketError == SocketError.Success);
        if (!socket.ConnectAsync(attempt))
        {
            return attempt.SocketError == SocketError.Success;
        }

        // Only a server whose queue of connections is full makes one wait here.
        await using (cancellationToken.UnsafeRegister(static attempt => Socket.CancelConnectAsync((SocketAsyncEventArgs)attempt!), attempt))
        {
            return await connected.Task;
        }
    }
}
