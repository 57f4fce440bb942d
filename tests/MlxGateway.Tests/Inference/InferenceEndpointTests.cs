using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Inference;
using MlxGateway.Inference.Downloading;
using MlxGateway.Inference.Tracing;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Settings;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;
using Yarp.ReverseProxy.Forwarder;

namespace MlxGateway.Tests.Inference;

/// <summary>The whole sequence over a pool whose runners are what the test says: which of them have died is no matter of luck here.</summary>
public sealed class InferenceEndpointTests : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly SilentPort _silent = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddLogging().AddHttpForwarder().BuildServiceProvider();
    private readonly ScriptedPool _pool = new();
    private readonly RequestsInFlight _inFlight = new();
    private readonly Records _records = new();
    private readonly LateClock _forwardersClock = new();
    private readonly InferenceEndpoint _endpoint;

    public InferenceEndpointTests()
    {
        var catalog = new ModelCatalog([new OneModel()], new FactsCache(), TimeProvider.System, NullLogger<ModelCatalog>.Instance);
        Assert.True(catalog.TryAdopt(new ModelSettings { BaseFolder = "/", Discovery = new DiscoveryOptions(), KnownKinds = [], OfferedKinds = [], Models = new Dictionary<string, ModelOptions>() }, new SettingsErrors()));
        var settings = new InferenceSettings(new LimitOptions(), new StreamOptions());
        _endpoint = new InferenceEndpoint(
            catalog, _pool, new RunnerForwarder(_services.GetRequiredService<IHttpForwarder>(), [], _forwardersClock), new SuspectRequests(TimeProvider.System), _inFlight, [],
            settings, [_records], new AbsentModels(new NoDownloads(), catalog, settings, new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance), TimeProvider.System), new TracePace(0, TimeProvider.System), TimeProvider.System);
        _listener.Start();
    }

    private int LivePort => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        _silent.Dispose();
        await _services.DisposeAsync();
    }

    // The process is gone and its socket with it, but the pool has not heard of it yet.
    [Fact]
    public async Task Serve_RunnerDiedBeforeItHeardOfTheRequest_IsServedByItsSuccessor()
    {
        var dead = new StubRunner(_silent.Number);
        dead.Die("signal 9");
        _pool.Leases.Enqueue(Lease(dead, 1));
        _pool.Leases.Enqueue(Lease(new StubRunner(LivePort), 2));

        var client = await ServeAsync(AnswerOneAsync());

        Assert.Equal(200, client.Response.StatusCode);
        Assert.Equal("""{"ok":true}""", client.Received);
        Assert.Empty(_pool.Leases);
        Assert.Equal(2, _pool.Returned);
    }

    // The pool has heard of it, between the grant and the sending.
    [Fact]
    public async Task Serve_LeaseIsTakenBackBeforeTheRequestIsSent_IsServedByTheSuccessor()
    {
        var dying = Lease(new StubRunner(_silent.Number), 1);
        dying.Revocation.Revoke(RevocationReason.RunnerGone, "signal 9");
        (dying.Runner as StubRunner)!.Die("signal 9");
        _pool.Leases.Enqueue(dying);
        _pool.Leases.Enqueue(Lease(new StubRunner(LivePort), 2));

        var client = await ServeAsync(AnswerOneAsync());

        Assert.Equal(200, client.Response.StatusCode);
        Assert.Equal(2, _pool.Returned);
    }

    // It was being connected to when the pool heard of it.
    [Fact]
    public async Task Serve_LeaseIsTakenBackWhileItConnects_IsServedByTheSuccessor()
    {
        var connecting = new Connecting();
        var dying = Lease(new StubRunner(_silent.Number, new HttpMessageInvoker(connecting)), 1);
        connecting.Begun = () => dying.Revocation.Revoke(RevocationReason.RunnerGone, "signal 9");
        _pool.Leases.Enqueue(dying);
        _pool.Leases.Enqueue(Lease(new StubRunner(LivePort), 2));

        var client = await ServeAsync(AnswerOneAsync());

        Assert.Equal(200, client.Response.StatusCode);
        Assert.Equal(2, _pool.Returned);
    }

    // A connection that was closed while nobody used it says so at once. Whoever has had the request for longer has begun it, and may have died or hung of it.
    [Theory]
    [InlineData(0.5, 200)]
    [InlineData(1.5, 502)]
    public async Task Serve_ConnectionThatServedBeforeBreaks_IsServedByTheSuccessorOnlyIfItBrokeAtOnce(double seconds, int status)
    {
        var kept = new Kept();
        var runner = new StubRunner(_silent.Number, new HttpMessageInvoker(kept));
        var lease = Lease(runner, 1);
        kept.Taken = () =>
        {
            _forwardersClock.Skip(TimeSpan.FromSeconds(seconds));
            lease.Revocation.Revoke(RevocationReason.RunnerGone, "signal 11");
            runner.Die("signal 11");
        };
        _pool.Leases.Enqueue(lease);
        _pool.Leases.Enqueue(Lease(new StubRunner(LivePort), 2));

        var client = await ServeAsync(status == 200 ? AnswerOneAsync() : Task.CompletedTask);

        Assert.Equal(status, client.Response.StatusCode);
        Assert.Equal(status == 200 ? 2 : 1, _pool.Returned);
    }

    // What it has begun is not begun again: it may be what ended the runner.
    [Fact]
    public async Task Serve_RunnerDiesOnceItHasTheRequest_IsAnErrorAndASecondTimeARefusal()
    {
        for (var launch = 1; launch <= 2; launch++)
        {
            var runner = new StubRunner(LivePort);
            _pool.Leases.Enqueue(Lease(runner, launch));

            var client = await ServeAsync(DieOnOneAsync(runner));

            Assert.Equal((502, "runner_failed"), (client.Response.StatusCode, client.Error.GetProperty("code").GetString()));
            Assert.Contains("signal 11", client.Error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        var refused = await ServeAsync(Task.CompletedTask);
        Assert.Equal((400, "request_breaks_runner"), (refused.Response.StatusCode, refused.Error.GetProperty("code").GetString()));
        Assert.Equal(2, _pool.Returned);
    }

    // An eviction is not a death, nor is an error that a living runner answers.
    [Theory]
    [InlineData(RevocationReason.Evicted)]
    [InlineData(RevocationReason.Yielded)]
    public async Task Serve_LeaseIsTakenBackForAnotherReason_IsNotHeldAgainstTheRequest(RevocationReason reason)
    {
        for (var launch = 1; launch <= 3; launch++)
        {
            var lease = Lease(new StubRunner(LivePort), launch);
            _pool.Leases.Enqueue(lease);

            var client = await ServeAsync(RevokeOnOneAsync(lease, reason));

            Assert.Equal(503, client.Response.StatusCode);
        }

        Assert.Equal(3, _pool.Returned);
    }

    // It has said its last word; that its connection then breaks makes the answer no less whole.
    [Fact]
    public async Task Serve_RunnerDiesBehindTheEndOfItsAnswer_TheAnswerIsWhole()
    {
        var runner = new StubRunner(LivePort);
        _pool.Leases.Enqueue(Lease(runner, 1));

        var client = await ServeAsync(AnswerOneStreamAndDieAsync(runner), "\"stream\":true,");

        Assert.EndsWith("data: [DONE]\n\n", client.Received, StringComparison.Ordinal);
        Assert.DoesNotContain("error", client.Received, StringComparison.Ordinal);
    }

    // The client has all that it was promised, and would lose its next request if its connection were closed for that.
    [Fact]
    public async Task Serve_LeaseIsTakenBackBehindTheLastByte_TheAnswerIsWhole()
    {
        var lease = Lease(new StubRunner(LivePort), 1);
        _pool.Leases.Enqueue(lease);

        var client = await ServeAsync(AnswerOneAsync(), client: new ClientExchange { Heard = _ => lease.Revocation.Revoke(RevocationReason.Evicted, null) });

        Assert.Equal("""{"ok":true}""", client.Received);
        Assert.Equal(RequestOutcome.Completed, Assert.Single(_records.All).Outcome);
    }

    // Clients close their connection at the last word, and do not wait for the engine to close its own.
    [Theory]
    [InlineData("\n\ndata: [DONE]\n\n", RequestOutcome.Completed)]
    [InlineData("\n\n", RequestOutcome.ClientLeft)]
    public async Task Serve_ClientLeavesAStream_HasBeenServedIfItHadItsEnd(string end, RequestOutcome outcome)
    {
        _pool.Leases.Enqueue(Lease(new StubRunner(LivePort), 1));

        await ServeAsync(AnswerOneStreamAndWaitAsync(end), "\"stream\":true,", new ClientExchange { LeavesBehind = end });

        Assert.Equal(outcome, Assert.Single(_records.All).Outcome);
        Assert.Equal(1, _pool.Returned);
    }

    private ModelLease Lease(StubRunner runner, int launch) =>
        new(OneModel.Spec, launch, runner, new Revocation(), TimeSpan.Zero, TimeSpan.Zero, _ => _pool.Returned++);

    private async Task<ClientExchange> ServeAsync(Task runner, string members = "", ClientExchange? client = null)
    {
        client ??= new ClientExchange();
        client.Context.Features.Set<IHttpMaxRequestBodySizeFeature>(new AnySize());
        client.Context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes($$"""{"model":"m",{{members}}"messages":[]}"""));
        await _endpoint.ServeAsync(client.Context, InferenceRoute.ChatCompletions).WaitAsync(Demo.Patience());
        await runner.WaitAsync(Demo.Patience());
        return client;
    }

    private async Task AnswerOneStreamAndDieAsync(StubRunner runner)
    {
        using var connection = await HearOneAsync();
        var events = """data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}""" + "\n\ndata: [DONE]\n\n";
        await connection.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{events.Length:x}\r\n{events}\r\n"), Demo.Patience());
        runner.Die("signal 9");
    }

    // The connection is held open until the gateway closes it.
    private async Task AnswerOneStreamAndWaitAsync(string end)
    {
        using var connection = await HearOneAsync();
        var stream = connection.GetStream();
        var events = """data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}""" + end;
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n{events.Length:x}\r\n{events}\r\n"), Demo.Patience());
        await stream.ReadExactlyAsync(new byte[1], Demo.Patience()).AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    private async Task AnswerOneAsync()
    {
        using var connection = await HearOneAsync();
        await connection.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"u8.ToArray(), Demo.Patience());
    }

    private async Task DieOnOneAsync(StubRunner runner)
    {
        using var connection = await HearOneAsync();
        runner.Die("signal 11");
    }

    private async Task RevokeOnOneAsync(ModelLease lease, RevocationReason reason)
    {
        using var connection = await HearOneAsync();
        lease.Revocation.Revoke(reason);

        // Held open until the gateway closes it.
        await connection.GetStream().ReadExactlyAsync(new byte[1], Demo.Patience()).AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    private async Task<TcpClient> HearOneAsync()
    {
        var connection = await _listener.AcceptTcpClientAsync(Demo.Patience());
        var heard = new StringBuilder();
        var buffer = new byte[4096];
        while (!heard.ToString().Contains("\"messages\":[]}", StringComparison.Ordinal))
        {
            var read = await connection.GetStream().ReadAsync(buffer, Demo.Patience());
            Assert.True(read > 0);
            heard.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        return connection;
    }

    private sealed class Records : IRequestObserver
    {
        public List<RequestRecord> All { get; } = [];

        public void Completed(RequestRecord record) => All.Add(record);
    }

    private sealed class OneModel : IModelSource
    {
        public static ModelSpec Spec { get; } = new() { Id = "m", Runner = "stub" };

        public IReadOnlyList<ModelSpec> Read(ModelSettings settings) => [Spec];
    }

    /// <summary>Connects until it is told not to.</summary>
    private sealed class Connecting : HttpMessageHandler
    {
        public Action Begun { get; set; } = () => { };

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Begun();
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            throw new InvalidOperationException("It cannot come to this.");
        }
    }

    /// <summary>A connection that takes the request, and breaks once the test has done what it wants.</summary>
    private sealed class Kept : HttpMessageHandler
    {
        public Action Taken { get; set; } = () => { };

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            Taken();
            throw new HttpRequestException(HttpRequestError.ResponseEnded, "The response ended prematurely.");
        }
    }

    /// <summary>A clock that goes on by itself, and further when it is told to.</summary>
    private sealed class LateClock : TimeProvider
    {
        private long _skipped;

        public void Skip(TimeSpan time) => Interlocked.Add(ref _skipped, (long)(time.TotalSeconds * TimestampFrequency));

        public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _skipped);
    }

    private sealed class AnySize : IHttpMaxRequestBodySizeFeature
    {
        public bool IsReadOnly => false;

        public long? MaxRequestBodySize { get; set; }
    }

    /// <summary>A pool that gives out the leases it was given, one after the other.</summary>
    private sealed class ScriptedPool : IModelPool
    {
        public Queue<ModelLease> Leases { get; } = new();

        public int Returned { get; set; }

        public PoolSnapshot Snapshot { get; } = new([], default, default, IsShuttingDown: false);

        public ModelLease? TryAcquire(ModelSpec model) => null;

        public Task<ModelLease> AcquireAsync(ModelSpec model, LeaseTerms terms, CancellationToken cancellationToken) => Task.FromResult(Leases.Dequeue());

        public Task UnloadAsync(string modelId, CancellationToken cancellationToken) => Task.CompletedTask;

        public void Reconfigure(ResidencyOptions options, CatalogSnapshot catalog)
        {
        }

        public Task ChangedAsync(long version, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<PoolExplanation> ExplainAsync(CancellationToken cancellationToken) => throw new NotSupportedException("Nobody asks here.");

        public Task ShutDownAsync(TimeSpan patience) => Task.CompletedTask;
    }
}
