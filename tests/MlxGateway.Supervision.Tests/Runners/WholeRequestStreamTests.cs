using System.Net;
using System.Net.Sockets;
using System.Text;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>What of a request leaves when, seen from the other end of the connection.</summary>
public sealed class WholeRequestStreamTests : IAsyncLifetime
{
    private const string Head = "POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n";
    private Socket _peer = null!;
    private WholeRequestStream _stream = null!;

    public async ValueTask InitializeAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        _peer = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        _stream = new WholeRequestStream(socket);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _peer.Dispose();
    }

    [Fact]
    public async Task Write_HeadOfARequestWithABody_LeavesTogetherWithIt()
    {
        await SendAsync(Head);
        Assert.False(_peer.Poll(TimeSpan.FromMilliseconds(200), SelectMode.SelectRead), "The head went alone.");

        await SendAsync("body");

        var buffer = new byte[1000];
        var read = await _peer.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
        Assert.Equal(Head + "body", Encoding.ASCII.GetString(buffer, 0, read));
    }

    [Theory]
    [InlineData("GET /health HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("POST /v1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("POST /v1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")]
    public async Task Write_HeadThatNothingNeedFollow_LeavesAtOnce(string head)
    {
        await SendAsync(head);

        Assert.Equal(head, await ReceiveAsync(head.Length));
    }

    [Fact]
    public async Task Write_LargeBodyAndASecondRequest_EveryByteInOrder()
    {
        var body = new string('b', 50_000);
        await SendAsync(Head);
        await SendAsync(body);
        await SendAsync(Head);
        await SendAsync("more");

        Assert.Equal(Head + body + Head + "more", await ReceiveAsync((2 * Head.Length) + body.Length + 4));
    }

    private async Task SendAsync(string text) => await _stream.WriteAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken);

    private async Task<string> ReceiveAsync(int length)
    {
        var buffer = new byte[length];
        for (var filled = 0; filled < length;)
        {
            var read = await _peer.ReceiveAsync(buffer.AsMemory(filled), TestContext.Current.CancellationToken);
            Assert.NotEqual(0, read);
            filled += read;
        }

        return Encoding.ASCII.GetString(buffer);
    }
}
