using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>Collectors of other kinds than the one that the others are measured by.</summary>
public sealed class CollectorsTests
{
    private const string Models = "\"a\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}";

    [Fact]
    public async Task Grpc_WhichIsTheDefault_IsSpoken()
    {
        await using var collector = await GrpcCollector.StartAsync();
        await using (var gateway = await Gateway.StartAsync(Models, $$"""
            "Telemetry":{"Metrics":false,"Otlp":{"Endpoint":"{{collector.Address}}","ServiceName":"by-grpc"} }
            """))
        {
            Assert.Equal(200, (await gateway.ChatAsync("a")).Status);
            Assert.Equal((404, "not_found"), ((await gateway.GetAsync("/metrics")).Status, (await gateway.GetAsync("/metrics")).Code));
        }

        var calls = collector.Calls.ToList();
        Assert.Equal(
            ["/opentelemetry.proto.collector.logs.v1.LogsService/Export", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"],
            calls.Select(static c => c.Path).Distinct().Order(StringComparer.Ordinal));
        var resources = calls.Select(static c => new Protobuf(c.Message).Message(1)!).ToList();
        Assert.All(resources, static r => Assert.Equal("by-grpc", r.Message(1)!.Attributes(1)["service.name"]));
        var spans = resources.Where((_, i) => calls[i].Path.Contains("trace", StringComparison.Ordinal)).SelectMany(static r => r.Messages(2)).SelectMany(static s => s.Messages(2)).Select(static s => s.Text(5));
        Assert.Contains("chat a", spans);
    }

    [Fact]
    public async Task Collector_ThatIsNotThere_DisturbsNobody()
    {
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // held, but not listened on
        var since = new Stopwatch();
        await using (var gateway = await Gateway.StartAsync(Models, $$"""
            "Telemetry":{"Otlp":{"Endpoint":"http://{{nobody.LocalEndPoint}}","Protocol":"HttpProtobuf"} }
            """))
        {
            Assert.Equal(200, (await gateway.ChatAsync("a")).Status);
            since.Start();
        }

        Assert.InRange(since.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }
}
