using System.Net;
using System.Net.Sockets;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

public sealed class ProcessTableTests
{
    private readonly IProcessTable _table = ProcessTables.ForThisSystem();

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("0.0.0.0")]
    [InlineData("::1")]
    [InlineData("::")]
    public void Port_OfAListener_IsInTheHandsOfItsProcessAlone(string address)
    {
        var at = IPAddress.Parse(address);
        Assert.SkipUnless(at.AddressFamily == AddressFamily.InterNetwork || Socket.OSSupportsIPv6, "no IPv6 here");
        using var listener = new TcpListener(at, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        Assert.True(_table.AnyListens([Environment.ProcessId], port));
        Assert.NotEqual(true, _table.AnyListens([1], port));
        listener.Stop();
        Assert.False(_table.AnyListens([Environment.ProcessId], port));
    }

    [Fact]
    public void Process_WasThereBeforeItsChildAndNotBeforeItself()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere a clock tells starts that people set");
        var (self, first) = (_table.Find(Environment.ProcessId)!.Value.Identity, _table.Find(1)!.Value.Identity);

        Assert.True(_table.WasThereBefore(first, self));
        Assert.False(_table.WasThereBefore(self, first));
        Assert.False(_table.WasThereBefore(self, self));
    }
}
