using MlxGateway.Access;
using Xunit;

namespace MlxGateway.Tests.Access;

public sealed class HostPolicyTests
{
    private static readonly HostPolicy Home = new([], "studio", network: false);
    private static readonly HostPolicy Network = new([], "studio", network: true);

    [Theory]
    [InlineData("localhost")]
    [InlineData("LOCALHOST")]
    [InlineData("localhost.")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1.")]
    [InlineData("127.1.2.3")]
    [InlineData("[::1]")]
    [InlineData("::1")]
    [InlineData("[::ffff:127.0.0.1]")]
    [InlineData("chat.localhost")]
    [InlineData("Chat.LocalHost.")]
    [InlineData("host.docker.internal")]
    [InlineData("host.containers.internal")]
    [InlineData("studio")]
    [InlineData("Studio.local")]
    [InlineData("")] // HTTP/1.0
    public void Allows_NameOfThisMachine_IsTaken(string host)
    {
        Assert.True(Home.Allows(host));
        Assert.True(Network.Allows(host));
    }

    [Theory]
    [InlineData("evil.com")]
    [InlineData("evil.com.")]
    [InlineData("localhost.evil.com")]
    [InlineData("127.0.0.1.evil.com")]
    [InlineData("127.0.0.1.nip.io")]
    [InlineData("evillocalhost.com")]
    [InlineData("notlocalhost.example")]
    [InlineData("localhost..")]
    [InlineData("local.host")]
    [InlineData("studio.evil.com")]
    [InlineData("studio.local.evil.com")]
    [InlineData("host.docker.internal.evil.com")]
    [InlineData("[evil.com]")]
    [InlineData("localhost@evil.com")]
    [InlineData("evil.com:localhost")]
    [InlineData("localhost/evil.com")]
    [InlineData("xn--lcalhost-54a.com")]
    [InlineData("*.com")]
    public void Allows_NameOfSomebodyElse_IsRefused(string host)
    {
        Assert.False(Home.Allows(host));
        Assert.False(Network.Allows(host));
    }

    [Theory]
    [InlineData("192.168.1.5")]
    [InlineData("0.0.0.0")]
    [InlineData("8.8.8.8")]
    [InlineData("[fe80::1]")]
    [InlineData("gateway")] // resolved by the local network alone
    [InlineData("evil")]
    public void Allows_AddressOrShortName_IsTakenOnlyWhereOtherMachinesMayConnect(string host)
    {
        Assert.False(Home.Allows(host));
        Assert.True(Network.Allows(host));
    }

    [Fact]
    public void Allows_ConfiguredNames_AreTaken()
    {
        Assert.True(new HostPolicy(["Models.Example.org"], "studio", network: false).Allows("models.example.org."));
        Assert.False(new HostPolicy(["models.example.org"], "studio", network: false).Allows("example.org"));
        Assert.True(new HostPolicy(["*"], "studio", network: false).Allows("evil.com"));
    }
}
