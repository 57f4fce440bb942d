using System.Net;
using System.Net.Sockets;

namespace MlxGateway.Supervision.Processes;

/// <summary>Hands out loopback ports for runners.</summary>
/// <remarks>
/// The range lies below those from which Linux (32768 and up) and macOS (49152 and up) take the local ports of outgoing connections: between
/// the moment a port is handed out and the moment the runner listens on it, nobody gets it by chance. It is walked in a circle from a random
/// place, so that a port which was just given back is the last to be handed out again.
/// </remarks>
public sealed class PortAllocator
{
    private const int First = 20_000;
    private const int Count = 12_000;

    private int _next = Random.Shared.Next(Count);

    /// <summary>A TCP port on which nothing listens, neither on the loopback nor on all addresses.</summary>
    /// <exception cref="InvalidOperationException">Every port of the range is taken.</exception>
    public int Allocate()
    {
        for (var i = 0; i < Count; i++)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _next) % Count);
            // Both: where addresses may be reused, macOS lets a second program bind the loopback beside one that has all addresses.
            if (!IsTaken(port))
            {
                return port;
            }
        }

        throw new InvalidOperationException($"No free port between {First} and {First + Count - 1}.");
    }

    /// <summary>Whether somebody listens on the port, on the loopback or on all addresses.</summary>
    public static bool IsTaken(int port) => !IsFree(IPAddress.Loopback, port) || !IsFree(IPAddress.Any, port);

    private static bool IsFree(IPAddress address, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
