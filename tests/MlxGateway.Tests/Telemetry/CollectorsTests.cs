using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MlxGateway.Tests.DemoRunner;
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

    // Forty at once are as many as may be begun in half a minute. One that is not traced is counted and logged like the others.
    [Theory]
    [InlineData("", 11, 39)]
    [InlineData("parentbased_always_on", 41, 41)]
    public async Task Traces_MoreThanMayBegin_AreLeftOutAndThoseOfClientsAreNot(string sampler, int least, int most)
    {
        await using var collector = new OtlpCollector();
        await using (var gateway = await Gateway.StartAsync(
            new Dictionary<string, string> { ["OTEL_TRACES_SAMPLER"] = sampler },
            Models,
            $$"""
            "Telemetry":{"Otlp":{"Endpoint":"{{collector.Address}}","Protocol":"HttpProtobuf","TracesPerSecond":1} }
            """))
        {
            for (var i = 0; i < 40; i++)
            {
                Assert.Equal(200, (await gateway.ChatAsync("a")).Status);
            }

            using var followed = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new StringContent("""{"model":"a","messages":[]}""") };
            Assert.Equal(200, (await gateway.SendAsync(followed, ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))).Status);
            await Gateway.UntilAsync(async () => new Scrape((await gateway.GetAsync("/metrics")).Text).Sum("mlxgateway_requests_total", ("model", "a"), ("outcome", "completed")) == 41);
            gateway.Signal("TERM");
            await gateway.ExitCodeAsync().WaitAsync(Demo.Patience());
        }

        var requests = collector.Spans.Where(static s => s.Kind == 2).ToList();
        Assert.InRange(requests.Count, least, most);
        Assert.Single(requests, static s => s.Trace == "4bf92f3577b34da6a3ce929d0e0e4736");
        Assert.Equal(requests.Count, collector.Spans.Count(static s => s.Kind == 3));
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
