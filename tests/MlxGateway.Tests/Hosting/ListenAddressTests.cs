using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using MlxGateway.Hosting;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Tests.Hosting;

public sealed class ListenAddressTests
{
    [Theory]
    [InlineData(null, null, "127.0.0.1:1234 ::1:1234?")]
    [InlineData(" ", null, "127.0.0.1:1234 ::1:1234?")]
    [InlineData("http://localhost", null, "127.0.0.1:80 ::1:80?")]
    [InlineData("http://localhost:5000/", null, "127.0.0.1:5000 ::1:5000?")]
    [InlineData("http://LOCALHOST:5000", null, "127.0.0.1:5000 ::1:5000?")]
    [InlineData("http://127.0.0.1:5000", "6000", "127.0.0.1:6000 ::1:6000?")]
    [InlineData("http://[::1]:5000", null, "127.0.0.1:5000 ::1:5000?")]
    [InlineData("https://localhost:5000", null, "127.0.0.1:5000s ::1:5000s?")]
    [InlineData("http://localhost:0", null, "127.0.0.1:0")] // two sockets cannot ask for the same free port
    [InlineData("http://localhost:5000", "0", "127.0.0.1:0")]
    [InlineData("http://localhost:5000;http://127.0.0.1:5000 ; ;http://localhost:6000", null, "127.0.0.1:5000 ::1:5000? 127.0.0.1:6000 ::1:6000?")]
    [InlineData("http://localhost:5000;http://localhost:6000", "7000", "127.0.0.1:7000 ::1:7000?")]
    public void Read_Loopback_IsBothLoopbacks(string? urls, string? port, string expected)
    {
        var errors = new SettingsErrors();

        Assert.Equal(expected, Show(ListenAddress.Read(urls, port, allowsNetwork: false, errors)));
        Assert.Empty(errors.All);
    }

    [Theory]
    [InlineData("http://192.168.1.5:80", "192.168.1.5:80")]
    [InlineData("http://[fe80::1]:80", "fe80::1:80")]
    [InlineData("http://0.0.0.0:80", "*:80")]
    [InlineData("http://*:80", "*:80")]
    [InlineData("http://+:80", "*:80")]
    [InlineData("http://[::]:80", ":::80")]
    public void Read_OtherAddress_NeedsConsent(string url, string expected)
    {
        var errors = new SettingsErrors();
        expected = expected.Replace("*", Socket.OSSupportsIPv6 ? "::" : "0.0.0.0", StringComparison.Ordinal);

        Assert.Equal(expected, Show(ListenAddress.Read(url, null, allowsNetwork: true, errors)));
        Assert.Empty(errors.All);

        ListenAddress.Read(url, null, allowsNetwork: false, errors);

        Assert.Contains("AllowAnonymousNetwork", Assert.Single(errors.All).Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:5000", null, "Urls")]
    [InlineData("5000", null, "Urls")]
    [InlineData("ftp://localhost", null, "Urls")]
    [InlineData("unix:/tmp/x", null, "Urls")]
    [InlineData("http://localhost:5000/path", null, "Urls")]
    [InlineData("http://localhost:99999", null, "Urls")]
    [InlineData("http://example.org", null, "Urls")]
    [InlineData(";", null, "Urls")]
    [InlineData(null, "", "--port")]
    [InlineData(null, "abc", "--port")]
    [InlineData(null, "-1", "--port")]
    [InlineData(null, "65536", "--port")]
    [InlineData(null, "1 2", "--port")]
    [InlineData(null, "99999999999", "--port")]
    public void Read_Mistake_IsNamed(string? urls, string? port, string key)
    {
        var errors = new SettingsErrors();
        ListenAddress.Read(urls, port, allowsNetwork: true, errors);

        Assert.Equal(key, Assert.Single(errors.All).Key);
    }

    [Theory]
    [InlineData("https://localhost:5000", "127.0.0.1:5000s")]
    [InlineData("HTTPS://127.0.0.1:5000/", "127.0.0.1:5000s")]
    [InlineData("http://[::1]:5000", "::1:5000")]
    [InlineData("http://unix:/tmp/gateway.sock", "")]
    public void ReadEndpoints_OnThisMachine_NeedNoConsent(string url, string expected)
    {
        var errors = new SettingsErrors();

        Assert.Equal(expected, Show(ListenAddress.ReadEndpoints(Endpoint(url), allowsNetwork: false, errors)));
        Assert.Empty(errors.All);
    }

    // The server takes every name but localhost for all addresses.
    [Theory]
    [InlineData("https://192.168.1.5:443", "192.168.1.5:443s")]
    [InlineData("https://0.0.0.0:443", "0.0.0.0:443s")]
    [InlineData("https://*:443", ":::443s")]
    [InlineData("https://chat.example.org:443", ":::443s")]
    [InlineData("http://localhost.example.org:80", ":::80")]
    public void ReadEndpoints_ThatOthersCanReach_NeedConsent(string url, string expected)
    {
        var errors = new SettingsErrors();

        Assert.Equal(expected, Show(ListenAddress.ReadEndpoints(Endpoint(url), allowsNetwork: true, errors)));
        Assert.Empty(errors.All);

        ListenAddress.ReadEndpoints(Endpoint(url), allowsNetwork: false, errors);

        var error = Assert.Single(errors.All);
        Assert.Equal("Kestrel:Endpoints:One:Url", error.Key);
        Assert.Contains("AllowAnonymousNetwork", error.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("localhost:5000")]
    [InlineData("ftp://localhost")]
    [InlineData("https://localhost:5000/path")]
    public void ReadEndpoints_Mistake_IsNamed(string? url)
    {
        var errors = new SettingsErrors();
        ListenAddress.ReadEndpoints(Endpoint(url), allowsNetwork: true, errors);

        Assert.Equal("Kestrel:Endpoints:One:Url", Assert.Single(errors.All).Key);
    }

    private static IConfiguration Endpoint(string? url) =>
        new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("Endpoints:One:Url", url), KeyValuePair.Create<string, string?>("Endpoints:One:Protocols", "Http1")]).Build();

    private static string Show(IEnumerable<ListenAddress> addresses) =>
        string.Join(' ', addresses.Select(a => $"{a.Address}:{a.Port}{(a.IsTls ? "s" : "")}{(a.IsOptional ? "?" : "")}"));
}
