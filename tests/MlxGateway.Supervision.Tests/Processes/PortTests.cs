using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>Which ports are handed out, and whose they are then.</summary>
public sealed class PortTests : IAsyncLifetime
{
    private const string Listen = """
        import os, socket, sys, time
        def listen(host):
            s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
            s.bind((host, 0)); s.listen()
            print('port', s.getsockname()[1], flush=True)
            time.sleep(1000)
        """;

    private readonly Household _house = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("::")]
    public async Task OwnsPort_OfTheListeningChild_IsTrue(string host)
    {
        var child = _house.Python(Listen + $"\nlisten('{host}')");

        Assert.True(child.OwnsPort(await Port(child)));
    }

    [Fact]
    public async Task OwnsPort_OfAGrandchildThatLeft_IsTrue()
    {
        var child = _house.Python(Listen + """

            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0: listen('127.0.0.1')
                os._exit(0)
            time.sleep(1000)
            """);

        Assert.True(child.OwnsPort(await Port(child)));
    }

    [Fact]
    public async Task OwnsPort_OfAStrangerOrNobody_IsFalse()
    {
        var child = _house.Python(Listen + "\nlisten('127.0.0.1')");
        var port = await Port(child);
        var sister = _house.Start("/bin/sleep", ["1000"]);
        using var own = new TcpListener(IPAddress.Loopback, 0);
        own.Start();

        Assert.False(sister.OwnsPort(port));
        Assert.False(child.OwnsPort(((IPEndPoint)own.LocalEndpoint).Port));
        Assert.False(child.OwnsPort(1));

        await child.StopAsync(TimeSpan.Zero);
        Assert.False(child.OwnsPort(port));
    }

    [Fact]
    public void Allocate_NeverGivesTheSamePortAgainForLong()
    {
        var ports = new PortAllocator();

        var given = Enumerable.Range(0, 1000).Select(_ => ports.Allocate()).ToList();

        Assert.Equal(given.Count, given.Distinct().Count());
        Assert.All(given, port => Assert.InRange(port, 20_000, 32_000));
    }

    [Fact]
    public void Allocate_PassesOverPortsThatAreTaken()
    {
        var ports = new PortAllocator();
        while (true)
        {
            var next = ports.Allocate() + 1;
            using var taken = new TcpListener(IPAddress.Any, next);
            try
            {
                taken.Start();
            }
            catch (SocketException)
            {
                continue; // somebody else has it
            }

            Assert.NotEqual(next, ports.Allocate());
            return;
        }
    }

    private static async Task<int> Port(ChildProcess child) => int.Parse(await Household.Said(child, "port"), CultureInfo.InvariantCulture);
}
