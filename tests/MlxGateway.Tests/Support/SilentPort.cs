using System.Net;
using System.Net.Sockets;

namespace MlxGateway.Tests.Support;

/// <summary>A port of the loopback on which nobody listens, and that nobody else can get: a port that was free a moment ago is somebody else's the next, where tests run side by side.</summary>
internal sealed class SilentPort : IDisposable
{
    private readonly Socket _holder = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public SilentPort() => _holder.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // and never listens: whoever connects is refused

    /// <summary>Its number.</summary>
    public int Number => ((IPEndPoint)_holder.LocalEndPoint!).Port;

    /// <inheritdoc/>
    public void Dispose() => _holder.Dispose();
}
