using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>WebSockets through the gateway, from a real client to a real runner.</summary>
public sealed class WebSocketTests(WebSocketTests.Voices voices) : IClassFixture<WebSocketTests.Voices>
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly Gateway _gateway = voices.Gateway;

    [Fact]
    public async Task Socket_OfAModelThatMustBeLoaded_CarriesMessagesBothWaysAndItsEnd()
    {
        using var socket = await OpenAsync("/v1/realtime?model=gpt-realtime&intent=chat", "realtime");

        Assert.Equal("?intent=chat&model=engine-name", await ReadTextAsync(socket));
        Assert.Equal("realtime", socket.SubProtocol);
        await SendAsync(socket, "hello \u20ac");
        Assert.Equal("hello \u20ac", await ReadTextAsync(socket));
        var sound = RandomNumberGenerator.GetBytes(300_000);
        await socket.SendAsync(sound, WebSocketMessageType.Binary, endOfMessage: true, Patience());
        Assert.Equal(sound, await ReadAsync(socket));
        await _gateway.UntilRunningAsync(running => running.Any(m => m is { Model: "voice", Leases: 1 })); // that of a socket that another test left may be out for a moment

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", Patience());

        Assert.Equal((WebSocketCloseStatus.NormalClosure, "bye"), (socket.CloseStatus, socket.CloseStatusDescription));
        await _gateway.UntilRunningAsync(running => running.All(m => m.Leases == 0));
    }

    // There it is an extended CONNECT, and the runner gets the handshake that it knows.
    [Theory]
    [InlineData("/v1/realtime?model=voice")]
    [InlineData("/upstream/voice/v1/realtime")]
    public async Task Socket_OverHttp2_CarriesMessagesBothWaysAndItsEnd(string path)
    {
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
        using var socket = new ClientWebSocket { Options = { HttpVersion = HttpVersion.Version20, HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact } };
        await socket.ConnectAsync(new Uri($"ws://{_gateway.Address.Authority}{path}"), invoker, Patience());
        await ReadTextAsync(socket);

        var sound = RandomNumberGenerator.GetBytes(300_000);
        await socket.SendAsync(sound, WebSocketMessageType.Binary, endOfMessage: true, Patience());
        Assert.Equal(sound, await ReadAsync(socket));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", Patience());

        Assert.Equal((WebSocketCloseStatus.NormalClosure, "bye"), (socket.CloseStatus, socket.CloseStatusDescription));
        await _gateway.UntilRunningAsync(running => running.All(m => m.Leases == 0));
    }

    [Fact]
    public async Task Socket_UnderUpstream_IsWhateverTheEngineHasThere()
    {
        using var socket = await OpenAsync("/upstream/voice/v1/realtime?a=b");

        Assert.Equal("?a=b", await ReadTextAsync(socket));
    }

    [Fact]
    public async Task Socket_OfARunnerThatDies_BreaksAndDoesNotCloseInOrder()
    {
        using var socket = await OpenAsync("/v1/realtime?model=voice");
        await ReadTextAsync(socket);

        var pid = (await _gateway.RunningAsync()).Single(m => m.Model == "voice").Pid!.Value;
        using (var runner = System.Diagnostics.Process.GetProcessById(pid))
        {
            runner.Kill();
        }

        await Assert.ThrowsAsync<WebSocketException>(() => ReadAsync(socket));

        // The system closes its sockets one by one: a moment longer than this one lived, the dead runner still takes connections.
        await _gateway.UntilRunningAsync(models => models.All(m => m.Pid != pid));
        Assert.Equal(200, (await _gateway.ChatAsync("voice")).Status);
    }

    [Fact]
    public async Task Socket_OfAModelThatIsEvicted_IsEndedAndTheNextModelServes()
    {
        using var socket = await OpenAsync("/v1/realtime?model=voice");
        await ReadTextAsync(socket);

        var other = await _gateway.ChatAsync("other");

        Assert.Equal(200, other.Status);
        await Assert.ThrowsAsync<WebSocketException>(() => ReadAsync(socket));
    }

    [Fact]
    public async Task Socket_WhoseClientVanishes_GivesItsPlaceBack()
    {
        var socket = await OpenAsync("/v1/realtime?model=voice");
        await ReadTextAsync(socket);

        socket.Abort();
        socket.Dispose();

        await _gateway.UntilRunningAsync(running => running.All(m => m.Leases == 0));
    }

    [Fact]
    public async Task Socket_CalledOff_IsEnded()
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("x-request-id", "call-1");
        await ConnectAsync(socket, "/v1/realtime?model=voice");
        await ReadTextAsync(socket);

        await _gateway.PostAsync("/api/requests/call-1/cancel", "");

        await Assert.ThrowsAsync<WebSocketException>(() => ReadAsync(socket));
        await _gateway.UntilRunningAsync(running => running.All(m => m.Leases == 0));
    }

    [Theory]
    [InlineData("/v1/realtime?model=nobody", 404, "model_not_found", null)]
    [InlineData("/v1/realtime", 400, "invalid_request", null)]
    [InlineData("/v1/realtime?model=broken", 503, "model_launch_failed", null)]
    [InlineData("/upstream/voice/v1/nowhere", 404, "not_found", null)]
    [InlineData("/v1/realtime?model=voice", 403, "forbidden_origin", "https://evil.example")]
    public async Task Socket_ThatCannotBeOpened_IsAnsweredWithAnErrorThatSaysWhy(string path, int status, string code, string? origin)
    {
        using var handshake = new HttpRequestMessage(HttpMethod.Get, path);
        handshake.Headers.Connection.Add("Upgrade");
        handshake.Headers.Upgrade.Add(new ProductHeaderValue("websocket"));
        handshake.Headers.Add("Sec-WebSocket-Version", "13");
        handshake.Headers.Add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        if (origin is not null)
        {
            handshake.Headers.Add("Origin", origin);
        }

        using var answer = await _gateway.Client.SendAsync(handshake, Patience());

        Assert.Equal(status, (int)answer.StatusCode);
        var error = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Patience())).RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Handshake_CarriesNothingElseOfTheClient()
    {
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Authorization", "Bearer very-secret");
        socket.Options.SetRequestHeader("Cookie", "a=b");
        socket.Options.SetRequestHeader("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"); // where nothing is traced
        await ConnectAsync(socket, "/v1/realtime?model=voice&tell=headers");

        var headers = await ReadTextAsync(socket);

        Assert.Contains("sec-websocket-key", headers, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("authorization", headers, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("very-secret", headers, StringComparison.Ordinal);
        Assert.DoesNotContain("cookie", headers, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("traceparent", headers, StringComparison.OrdinalIgnoreCase);
    }

    private static CancellationToken Patience() => new CancellationTokenSource(Long).Token;

    private static Task SendAsync(WebSocket socket, string text) => socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, Patience());

    private static async Task<string> ReadTextAsync(WebSocket socket) => Encoding.UTF8.GetString(await ReadAsync(socket));

    private static async Task<byte[]> ReadAsync(WebSocket socket)
    {
        using var message = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, Patience());
            Assert.NotEqual(WebSocketMessageType.Close, received.MessageType);
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return message.ToArray();
            }
        }
    }

    private async Task<ClientWebSocket> OpenAsync(string path, string? protocol = null)
    {
        var socket = new ClientWebSocket();
        if (protocol is not null)
        {
            socket.Options.AddSubProtocol(protocol);
        }

        await ConnectAsync(socket, path);
        return socket;
    }

    private Task ConnectAsync(ClientWebSocket socket, string path) => socket.ConnectAsync(new UriBuilder(new Uri(_gateway.Address, path)) { Scheme = "ws" }.Uri, Patience());

    public sealed class Voices : IAsyncLifetime
    {
        public Gateway Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(
            """
            "voice": {"Runner":"demo","Memory":"100MB","Aliases":["gpt-realtime"],"UpstreamModel":"engine-name"},
            "other": {"Runner":"demo","Memory":"100MB"},
            "broken": {"Runner":"demo","Memory":"100MB","Args":["--exit-at-start","3"]}
            """,
            """
            "Residency":{"MaxResident":1,"DrainTimeout":"00:00:00.5","SwapPatience":"00:00:00"},"Memory":{"Reserve":"0GB"}
            """);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();
    }
}
