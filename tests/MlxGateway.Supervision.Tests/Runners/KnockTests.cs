using System.Net;
using System.Net.Sockets;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

public sealed class KnockTests
{
    [Fact]
    public async Task Port_ThatSomebodyListensOn_IsAnswered()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        Assert.True(await Knock.IsAnsweredAsync(((IPEndPoint)listener.LocalEndpoint).Port, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Port_ThatNobodyListensOn_IsNotAnsweredAndThrowsNothing()
    {
        using var holder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp); // bound and not listening: nobody else can get it
        holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var thrown = 0;
        var isOurs = new AsyncLocal<bool> { Value = true }; // other tests throw at the same time, in this process
        void Count(object? sender, System.Runtime.ExceptionServices.FirstChanceExceptionEventArgs first) => thrown += isOurs.Value && first.Exception is SocketException ? 1 : 0;

        AppDomain.CurrentDomain.FirstChanceException += Count;
        try
        {
            Assert.False(await Knock.IsAnsweredAsync(((IPEndPoint)holder.LocalEndPoint!).Port, TestContext.Current.CancellationToken));
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= Count;
        }

        Assert.Equal(0, thrown);
    }

    [Fact]
    public async Task Knocking_AtAServerWhoseQueueIsFull_EndsWhenItIsCalledOff()
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        server.Listen(0);
        var port = ((IPEndPoint)server.LocalEndPoint!).Port;
        var queued = new List<Socket>();
        using var ended = new CancellationTokenSource();
        try
        {
            Task<bool> knocking;
            do
            {
                Assert.True(queued.Count < 1000, "the system queues whatever comes");
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                queued.Add(socket);
                Assert.Throws<SocketException>(() => socket.Connect(IPAddress.Loopback, port));
                knocking = Knock.IsAnsweredAsync(port, ended.Token).AsTask();
            }
            while (knocking.IsCompleted);

            await ended.CancelAsync();

            Assert.False(await knocking.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        }
        finally
        {
            queued.ForEach(socket => socket.Dispose());
        }
    }
}
