using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace MlxGateway.Benchmarks;

/// <summary>One client connection. It knows just enough HTTP to tell when an answer is whole, so that the generator costs little beside what it measures.</summary>
internal sealed class LoadConnection(Uri target, byte[] request) : IDisposable
{
    private const int Largest = 16 << 20;

    private byte[] _buffer = new byte[64 * 1024];
    private Socket? _socket;

    /// <summary>How long each answer took, in ticks of <see cref="Stopwatch"/>.</summary>
    public List<long> Ticks { get; } = [];

    /// <summary>How often the other side closed the connection behind an answer.</summary>
    public int Reconnects { get; private set; }

    /// <summary>Leaves out what was measured so far.</summary>
    public void Forget()
    {
        Ticks.Clear();
        Reconnects = 0;
    }

    /// <summary>Sends the request and reads the whole answer.</summary>
    /// <exception cref="InvalidDataException">The answer is not a whole completion.</exception>
    public async Task AskAsync(CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        if (_socket is null)
        {
            _socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await _socket.ConnectAsync(target.Host, target.Port, cancellationToken);
        }

        for (ReadOnlyMemory<byte> rest = request; !rest.IsEmpty;)
        {
            rest = rest[await _socket.SendAsync(rest, cancellationToken)..];
        }

        var length = 0;
        while (!IsWhole(_buffer.AsSpan(0, length)))
        {
            if (length == _buffer.Length)
            {
                Array.Resize(ref _buffer, length < Largest ? length * 2 : throw new InvalidDataException("An answer without end."));
            }

            var read = await _socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken);
            length += read > 0 ? read : throw new InvalidDataException($"Half an answer: {Encoding.ASCII.GetString(_buffer, 0, Math.Min(length, 600))}");
        }

        Ticks.Add(Stopwatch.GetTimestamp() - start);
        if (_socket.Poll(0, SelectMode.SelectRead))
        {
            // Nothing can be there to read but the end.
            Dispose();
            Reconnects++;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _socket?.Dispose();
        _socket = null;
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return false;
        }

        var head = answer[..(end + 2)];
        var body = answer[(end + 4)..];
        if (!head.StartsWith("HTTP/1.1 200"u8))
        {
            throw new InvalidDataException($"Not a completion: {Encoding.ASCII.GetString(answer[..Math.Min(answer.Length, 600)])}");
        }

        var at = head.IndexOf("Content-Length: "u8);
        if (at >= 0)
        {
            var number = head[(at + "Content-Length: "u8.Length)..];
            return body.Length >= int.Parse(number[..number.IndexOf((byte)'\r')], CultureInfo.InvariantCulture);
        }

        // No event has a line that is a lone zero: the terminating chunk cannot be mistaken.
        return body.EndsWith("\r\n0\r\n\r\n"u8);
    }
}
