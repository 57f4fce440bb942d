using System.Net.Sockets;
using System.Text;

namespace MlxGateway.Tests.DemoRunner;

/// <summary>How the other side ended a connection.</summary>
public enum Ending
{
    /// <summary>By FIN: it has nothing more to say.</summary>
    Closed,

    /// <summary>By RST.</summary>
    Reset,
}

/// <summary>A connection on which one sees the bytes as they are, and how it ends.</summary>
public sealed class RawConnection(Socket socket) : IDisposable
{
    /// <summary>Sends a request.</summary>
    public async Task SendAsync(string path, string body) =>
        await socket.SendAsync(Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {body.Length}\r\n\r\n{body}"), Demo.Patience());

    /// <summary>Reads until the text is in what came.</summary>
    public Task<string> ReadUntilAsync(string text) => ReadAsync(Encoding.UTF8.GetBytes(text));

    /// <summary>Reads until the connection ends.</summary>
    public async Task<(string Text, Ending Ending)> ReadToEndAsync()
    {
        var reset = false;
        var text = await ReadAsync(null, () => reset = true);
        return (text, reset ? Ending.Reset : Ending.Closed);
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private async Task<string> ReadAsync(byte[]? until, Action? onReset = null)
    {
        var seen = new MemoryStream();
        var buffer = new byte[64 * 1024];
        var searched = 0;
        while (until is null || seen.GetBuffer().AsSpan(searched, (int)seen.Length - searched).IndexOf(until) < 0)
        {
            searched = Math.Max(0, (int)seen.Length - (until?.Length ?? 0)); // it may stand across two pieces
            int read;
            try
            {
                read = await socket.ReceiveAsync(buffer, Demo.Patience());
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.ConnectionReset && onReset is not null)
            {
                onReset();
                break;
            }

            if (read == 0)
            {
                break;
            }

            seen.Write(buffer, 0, read);
        }

        return Encoding.UTF8.GetString(seen.GetBuffer(), 0, (int)seen.Length);
    }
}
