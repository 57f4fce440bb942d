using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlxGateway.Access;
using MlxGateway.Inference;
using MlxGateway.Inference.Tracing;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Telemetry;
using MlxGateway.Telemetry.Exposition;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>What there is where nothing is wanted. Whether anybody listens is a matter of the whole process, so these tests run by themselves.</summary>
[Collection(nameof(Listening))]
public sealed class TelemetryOffTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Off_NobodyListensAndARequestHasNoActivity()
    {
        using var app = Build(new TelemetryOptions { Metrics = false });

        Assert.Null(BeginRequest());
        Assert.Null(Activity.Current);
        Assert.False(PoolMeasures.IsHeard);
        Assert.False(ErrorCount.IsHeard);
        Assert.Null(app.Services.GetService<MetricStore>());
        Assert.Null(app.Services.GetService<StateMeasures>());
        Assert.DoesNotContain(app.Services.GetServices<IRequestObserver>(), static o => o is RequestMeasures);
        Assert.DoesNotContain(app.Services.GetServices<IHostedService>(), static s => s.GetType().Namespace!.StartsWith("OpenTelemetry", StringComparison.Ordinal));
        Assert.DoesNotContain(app.Services.GetServices<ILoggerProvider>(), static p => p.GetType().Namespace!.StartsWith("OpenTelemetry", StringComparison.Ordinal));
        Assert.Empty(Routes(app, new TelemetryOptions { Metrics = false }));
    }

    [Fact]
    public void Metrics_WithoutTraces_AreHeardAndARequestHasNoActivity()
    {
        using var app = Build(new TelemetryOptions());
        using var store = app.Services.GetRequiredService<MetricStore>();
        Assert.False(PoolMeasures.IsHeard);

        store.Start();

        Assert.True(PoolMeasures.IsHeard);
        Assert.True(ErrorCount.IsHeard);
        Assert.Null(BeginRequest());
        Assert.Equal(["/metrics"], Routes(app, new TelemetryOptions()));
    }

    [Fact]
    public void Traces_WhereACollectorIsNamed_AreBegun()
    {
        using var app = Build(new TelemetryOptions { Metrics = false, Otlp = { Endpoint = new Uri("http://127.0.0.1:9"), Protocol = OtlpProtocol.HttpProtobuf } });
        using (app.Services.GetRequiredService<OpenTelemetry.Trace.TracerProvider>())
        {
            using var span = BeginRequest();
            Assert.Equal(("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"), (span!.TraceId.ToString(), span.ParentSpanId.ToString()));
        }

        Assert.Null(BeginRequest());
    }

    [Fact]
    public void Traces_OfWhichEnoughWereBegun_AreThoseOfClientsAlone()
    {
        using var app = Build(new TelemetryOptions { Metrics = false, Otlp = { Endpoint = new Uri("http://127.0.0.1:9"), Protocol = OtlpProtocol.HttpProtobuf, TracesPerSecond = 1 } });
        using var provider = app.Services.GetRequiredService<OpenTelemetry.Trace.TracerProvider>();
        var pace = app.Services.GetRequiredService<TracePace>();
        while (pace.Take())
        {
            // Until there are enough.
        }

        Assert.Null(RequestSpans.Begin(new DefaultHttpContext(), InferenceRoute.ChatCompletions, pace));
        Assert.Null(Activity.Current);
        using var span = RequestSpans.Begin(new DefaultHttpContext { Request = { Headers = { TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" } } }, InferenceRoute.ChatCompletions, pace);
        Assert.Equal("00f067aa0ba902b7", span!.ParentSpanId.ToString());
    }

    // The server asks this logger whether it is to make a scope and an activity around every request.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Server_MakesNothingOfItsOwnAroundARequest(bool hasCollector)
    {
        using var app = Build(new TelemetryOptions { Otlp = { Endpoint = hasCollector ? new Uri("http://127.0.0.1:9") : null } });
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();

        Assert.False(loggers.CreateLogger("Microsoft.AspNetCore.Hosting.Diagnostics").IsEnabled(LogLevel.Critical));
        Assert.True(loggers.CreateLogger("Microsoft.AspNetCore.Server.Kestrel").IsEnabled(LogLevel.Warning));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public void Metrics_NeedAKeyThatMayRead(string method) =>
        Assert.Equal(Scopes.Read, ScopeRule.For(new DefaultHttpContext { Request = { Method = method, Path = "/metrics" } }));

    private static Activity? BeginRequest() => RequestSpans.Begin(
        new DefaultHttpContext { Request = { Headers = { TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" } } }, InferenceRoute.ChatCompletions, new TracePace(0, TimeProvider.System));

    private WebApplication Build(TelemetryOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = _folder.FullName });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore().AddSingleton(TimeProvider.System);
        builder.AddTelemetry(_folder.FullName, options);
        return builder.Build();
    }

    private static string[] Routes(WebApplication app, TelemetryOptions options)
    {
        app.MapTelemetry(options);
        return [.. ((IEndpointRouteBuilder)app).DataSources.SelectMany(static s => s.Endpoints).OfType<RouteEndpoint>().Select(static e => e.RoutePattern.RawText!)];
    }
}

/// <summary>Tests in which somebody in this process listens, or nobody may.</summary>
[CollectionDefinition(nameof(Listening), DisableParallelization = true)]
public sealed class Listening;
