using System.Net;
using System.Net.Sockets;
using System.Text;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>HTTP/2 without TLS on the address where everybody else speaks HTTP/1.1.</summary>
public sealed class Http2Tests(DemoGateway fixture) : IClassFixture<DemoGateway>
{
    private Gateway Gateway => fixture.Gateway;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chats_ManyAtOnceOverOneConnection_AreWhole(bool stream)
    {
        using var client = Client();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var response = await client.SendAsync(Chat("steady", stream), TestContext.Current.CancellationToken);
            return (response.Version, response.StatusCode, Text: await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }));

        Assert.All(answers, a => Assert.Equal((HttpVersion.Version20, HttpStatusCode.OK), (a.Version, a.StatusCode)));
        Assert.All(answers, a => Assert.EndsWith(stream ? "data: [DONE]\n\n" : "}", a.Text.TrimEnd(' '), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Error_HasItsShape()
    {
        using var client = Client();
        using var response = await client.SendAsync(Chat("nobody", stream: true), TestContext.Current.CancellationToken);

        Assert.Equal((HttpVersion.Version20, HttpStatusCode.NotFound), (response.Version, response.StatusCode));
        Assert.Contains("model_not_found", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_RunnerDies_EndsInAnErrorFrameAndAReset()
    {
        using var client = Client();
        using var response = await client.SendAsync(Chat("mortal", stream: true, "\"demo\":{\"die_after\":2}"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        using var received = new MemoryStream();

        await Assert.ThrowsAnyAsync<IOException>(async () => await body.CopyToAsync(received, TestContext.Current.CancellationToken));
        Assert.Contains("runner_failed", Encoding.UTF8.GetString(received.ToArray()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("P", "OST /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("PR", "I /v1/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("PRI * HTTP/1", ".1\r\nHost: localhost\r\n\r\n")]
    public async Task Request_ThatBeginsLikeThePreface_IsStillHttp1(string first, string rest)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Gateway.Address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(first), TestContext.Current.CancellationToken);
        await Gateway.GetAsync("/v1/models"); // time enough for the piece to arrive alone
        await socket.SendAsync(Encoding.ASCII.GetBytes(rest), TestContext.Current.CancellationToken);
        var answer = new byte[64];
        var length = await socket.ReceiveAsync(answer, TestContext.Current.CancellationToken);

        Assert.StartsWith("HTTP/1.1 4", Encoding.ASCII.GetString(answer, 0, length), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_WithAnIdleHttp2Connection_DoesNotWaitForIt()
    {
        await using var gateway = await Gateway.StartAsync("""
            "steady": {"Runner":"demo","Memory":"100MB"}
            """, """
            "Memory":{"Reserve":"0GB"}
            """);
        using var client = Client(gateway);
        using var response = await client.SendAsync(Chat("steady", stream: false), TestContext.Current.CancellationToken);
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await silent.ConnectAsync(IPAddress.Loopback, gateway.Address.Port, TestContext.Current.CancellationToken);

        gateway.Signal("TERM");

        Assert.Equal(0, await gateway.ExitCodeAsync().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
    }

    private HttpClient Client() => Client(Gateway);

    private static HttpClient Client(Gateway gateway) => new() { BaseAddress = gateway.Address, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private static HttpRequestMessage Chat(string model, bool stream, string? more = null) => new(HttpMethod.Post, "/v1/chat/completions")
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Content = new StringContent(Gateway.ChatBody(model, $"\"stream\":{(stream ? "true" : "false")}{(more is null ? "" : $",{more}")}"), Encoding.UTF8, "application/json"),
    };
}
