using System.Collections.Concurrent;
using System.Net.Sockets;

namespace MlxGateway.Supervision.Runners;

/// <summary>Whether anything comes from a runner, on all its connections together. Costs the one who reads a write to a flag, and mostly not even that.</summary>
internal sealed class RunnerPulse
{
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private volatile bool _beat;

    /// <summary>A connection was opened.</summary>
    public void Opened(Socket connection) => _open.TryAdd(connection, 0);

    /// <summary>A connection is closed.</summary>
    public void Closed(Socket connection) => _open.TryRemove(connection, out _);

    /// <summary>Bytes were read.</summary>
    public void Beat()
    {
        if (!_beat)
        {
            _beat = true; // only the first since the last look, so that the processors do not pass the flag to and fro
        }
    }

    /// <summary>Whether bytes were read since the last call, or wait to be read: a client that pauses over its stream is not the runner's fault.</summary>
    public bool Take()
    {
        var beat = _beat;
        _beat = false;
        return beat || _open.Keys.Any(HoldsBytes);
    }

    private static bool HoldsBytes(Socket connection)
    {
        try
        {
            return connection.Available > 0;
        }
        catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
