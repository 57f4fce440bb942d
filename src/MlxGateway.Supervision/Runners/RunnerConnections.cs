using System.Net;
using System.Net.Sockets;

namespace MlxGateway.Supervision.Runners;

/// <summary>The connections to one launch of a runner. They end with it, so that no request can ever reach a later process on the same port.</summary>
public static class RunnerConnections
{
    private static readonly HttpRequestOptionsKey<bool> Opened = new("MlxGateway.ConnectionOpened");

    /// <summary>Whether a connection was opened for this request, so that it did not go out on one that had served before.</summary>
    public static bool WasOpenedFor(HttpRequestMessage request) => request.Options.TryGetValue(Opened, out var opened) && opened;

    /// <summary>A new set of connections.</summary>
    /// <param name="secret">What the runner asks for; null: nothing.</param>
    /// <param name="pulse">Is told of everything that comes on them; null: nobody is.</param>
    internal static HttpMessageInvoker Open(LaunchSecret? secret, RunnerPulse? pulse = null)
    {
        var connections = OpenPlain(pulse);
        return new HttpMessageInvoker(secret is null ? connections : new SecretBearer(secret.Value, connections));
    }

    private static SocketsHttpHandler OpenPlain(RunnerPulse? pulse) => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),

        // Shorter than any server's own keep-alive, so that the runner is rarely the one who closes.
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(2),
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context, pulse, cancellationToken),
    };

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, RunnerPulse? pulse, CancellationToken cancellationToken)
    {
        context.InitialRequestMessage.Options.Set(Opened, true);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, context.DnsEndPoint.Port, cancellationToken);
            return new WholeRequestStream(socket, pulse);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
