using System.Buffers.Text;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace MlxGateway.Benchmarks;

/// <summary>
/// One client that reads one stream and notes how long each token was on its way: the upstream wrote the clock of the machine into it, and the same clock is read here. Counts as whole
/// only with every token in its place and a proper end.
/// </summary>
internal sealed class PacedStream(Uri target, byte[] request, int tokens, int leftOut)
{
    /// <summary>Behind it stands the time at which the upstream wrote the event.</summary>
    public const string Clock = "\"at\":";

    private static readonly byte[] ClockBytes = Encoding.ASCII.GetBytes(Clock);

    private readonly byte[] _line = new byte[4096];
    private readonly List<long> _delays = new(tokens);
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _lineLength;
    private long _last;
    private int _count;
    private bool _isDone;

    /// <summary>How long each token took, those that were left out at the beginning not counted, in ticks of <see cref="Stopwatch"/>.</summary>
    public IReadOnlyList<long> Delays => _delays;

    /// <summary>How many tokens have come so far. May be read at any time.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The tokens that are left out have come.</summary>
    public Task Begun => _begun.Task;

    /// <summary>Asks and reads to the end.</summary>
    /// <exception cref="InvalidDataException">The stream was not whole.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ReadAsync(cancellationToken);
            _begun.TrySetResult();
        }
        catch (Exception error)
        {
            _begun.TrySetException(error);
            throw;
        }
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(target.Host, target.Port, cancellationToken);
        await socket.SendAsync(request, cancellationToken);
        var buffer = new byte[16 * 1024];
        var chunks = new ChunkedBody();
        while (!chunks.IsOver)
        {
            var read = await socket.ReceiveAsync(buffer, cancellationToken);
            if (read == 0)
            {
                throw new InvalidDataException($"A stream broke off after {_count} of {tokens} tokens.");
            }

            Take(chunks, buffer.AsSpan(0, read), Stopwatch.GetTimestamp());
        }

        if (_count != tokens || !_isDone)
        {
            throw new InvalidDataException($"A stream ended after {_count} of {tokens} tokens{(_isDone ? "" : " without its last event")}.");
        }
    }

    private void Take(ChunkedBody chunks, ReadOnlySpan<byte> received, long now)
    {
        while (chunks.TryTake(ref received, out var content))
        {
            while (content.IndexOf((byte)'\n') is >= 0 and var feed)
            {
                content[..feed].CopyTo(_line.AsSpan(_lineLength));
                Note(_line.AsSpan(0, _lineLength + feed), now);
                content = content[(feed + 1)..];
                _lineLength = 0;
            }

            content.CopyTo(_line.AsSpan(_lineLength));
            _lineLength += content.Length;
        }
    }

    private void Note(ReadOnlySpan<byte> line, long now)
    {
        _isDone |= line.SequenceEqual("data: [DONE]"u8);
        if (line.StartsWith("data: {\"error"u8))
        {
            throw new InvalidDataException(Encoding.UTF8.GetString(line));
        }

        var at = line.IndexOf(ClockBytes);
        if (at < 0)
        {
            return;
        }

        if (!Utf8Parser.TryParse(line[(at + Clock.Length)..], out long sent, out _) || sent < _last || sent > now)
        {
            throw new InvalidDataException($"A token out of its order: {Encoding.UTF8.GetString(line)}");
        }

        _last = sent;
        Volatile.Write(ref _count, _count + 1);
        if (_count > leftOut)
        {
            _delays.Add(now - sent);
            _begun.TrySetResult();
        }
    }
}
