using System.Buffers;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MlxGateway.Hosting;

/// <summary>
/// Lets a connection without TLS speak HTTP/2 from its first byte (RFC 9113, section 3.3, "prior knowledge") on the very address where others speak HTTP/1.1. The server takes one
/// version of HTTP for each address without TLS; so it is given a second address, which exists in this process alone, and connections that begin with the preface are accepted there.
/// </summary>
internal sealed class CleartextHttp2(TimeProvider time) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    // Bounded by what the other address accepts; each of them is waited for there until it is over.
    private readonly Channel<ConnectionContext> _handedOver = Channel.CreateUnbounded<ConnectionContext>();

    /// <summary>What every connection of HTTP/2 begins with. No request of HTTP/1 does: its version would be 2.0.</summary>
    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>The address that connections are handed over to.</summary>
    public static EndPoint Address { get; } = new InnerEndPoint();

    /// <summary>Looks at the first bytes of each connection of the address and hands over those that speak HTTP/2.</summary>
    /// <param name="listen">An address without TLS.</param>
    /// <param name="patience">How long a silent connection is looked at here; afterwards the server's own bounds hold.</param>
    public void Watch(ListenOptions listen, TimeSpan patience) => listen.Use(next => async connection =>
    {
        if (await SpeaksHttp2Async(connection, patience))
        {
            var handedOver = new HandedOverConnection(connection);
            if (_handedOver.Writer.TryWrite(handedOver))
            {
                await handedOver.Over;
            }

            return;
        }

        await next(connection);
    });

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is InnerEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Listener(_handedOver));

    // Nothing is taken from the connection: whoever serves it reads the same bytes again.
    private async Task<bool> SpeaksHttp2Async(ConnectionContext connection, TimeSpan patience)
    {
        using var late = new CancellationTokenSource(patience, time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(
            late.Token,
            connection.ConnectionClosed,
            connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None);
        var input = connection.Transport.Input;
        try
        {
            while (true)
            {
                var read = await input.ReadAsync(enough.Token);
                var (begins, isWhole) = Compare(read.Buffer);
                input.AdvanceTo(read.Buffer.Start, begins && !isWhole && !read.IsCompleted ? read.Buffer.End : read.Buffer.Start);
                if (!begins || isWhole || read.IsCompleted)
                {
                    return begins && isWhole;
                }
            }
        }
        catch (Exception over) when (over is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            return false;
        }
    }

    private static (bool Begins, bool IsWhole) Compare(in ReadOnlySequence<byte> bytes)
    {
        Span<byte> first = stackalloc byte[Preface.Length];
        var length = (int)Math.Min(bytes.Length, first.Length);
        bytes.Slice(0, length).CopyTo(first);
        return (Preface.StartsWith(first[..length]), length == Preface.Length);
    }

    private sealed class InnerEndPoint : EndPoint
    {
        public override string ToString() => "http2-without-tls";
    }

    private sealed class Listener(Channel<ConnectionContext> handedOver) : IConnectionListener
    {
        public EndPoint EndPoint => Address;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await handedOver.Reader.WaitToReadAsync(cancellationToken))
            {
                if (handedOver.Reader.TryRead(out var connection))
                {
                    return connection;
                }
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            handedOver.Writer.TryComplete();
            return default;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
