using System.Net;
using System.Net.WebSockets;
using System.Text;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>A WebSocket in a trace, from its client to its runner.</summary>
public sealed class TunnelTraceTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string ClientSpan = "00f067aa0ba902b7";

    [Theory]
    [InlineData("1.1", "/v1/realtime?model=voice&tell=headers")]
    [InlineData("2.0", "/v1/realtime?model=voice&tell=headers")]
    [InlineData("1.1", "/upstream/voice/v1/realtime?tell=headers")]
    public async Task Socket_OfATraceThatItsClientBegan_TellsTheRunnerOfItsSpan(string version, string path)
    {
        await using var collector = new OtlpCollector();
        string[] headers;
        await using (var gateway = await Gateway.StartAsync(
            "\"voice\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}",
            $$"""
            "Telemetry":{"Otlp":{"Endpoint":"{{collector.Address}}","Protocol":"HttpProtobuf"} }
            """))
        {
            using var invoker = new HttpMessageInvoker(new SocketsHttpHandler());
            using var socket = new ClientWebSocket { Options = { HttpVersion = Version.Parse(version), HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact } };
            socket.Options.SetRequestHeader("traceparent", $"00-{Trace}-{ClientSpan}-01");
            socket.Options.SetRequestHeader("tracestate", "vendor=opaque");
            await socket.ConnectAsync(new Uri($"ws://{gateway.Address.Authority}{path}"), invoker, Demo.Patience());
            var message = new byte[16 * 1024];
            var received = await socket.ReceiveAsync(message, Demo.Patience());
            headers = Encoding.UTF8.GetString(message, 0, received.Count).Split('\n');
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", Demo.Patience());
            await gateway.UntilRunningAsync(static running => running.All(static m => m.Leases == 0));

            // What is still to be exported is, before it ends.
            gateway.Signal("TERM");
            await gateway.ExitCodeAsync().WaitAsync(Demo.Patience());
        }

        var forward = Assert.Single(collector.Spans, static s => s is { Trace: Trace, Kind: 3 });
        var request = Assert.Single(collector.Spans, static s => s is { Trace: Trace, Kind: 2 });
        Assert.Equal((ClientSpan, request.Id), (request.Parent, forward.Parent));
        Assert.Equal([$"traceparent: 00-{Trace}-{forward.Id}-01"], headers.Where(static h => h.StartsWith("traceparent", StringComparison.OrdinalIgnoreCase)));
        Assert.DoesNotContain(headers, static h => h.StartsWith("tracestate", StringComparison.OrdinalIgnoreCase));
    }
}
