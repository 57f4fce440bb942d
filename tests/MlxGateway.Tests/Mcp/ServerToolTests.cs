using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MlxGateway.Inference.Ports;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>Models on ports of their own: launched, restarted, shut down, and asked by clients that know nothing of a gateway.</summary>
public sealed class ServerToolTests(ServerToolTests.TogetherGateway shared) : IClassFixture<ServerToolTests.TogetherGateway>
{
    private const string Pair = """
        "one": {"Runner":"demo","Memory":"100MB"},
        "two": {"Runner":"demo","Memory":"100MB"},
        "broken": {"Runner":"demo","Memory":"100MB","Args":["--exit-at-start","3"]}
        """;

    private const string Together = """ "Residency":{"MaxResident":0,"Cooldown":"00:00:00.3"},"Memory":{"Reserve":"0GB"} """;
    private const string Alone = """ "Residency":{"MaxResident":1,"Cooldown":"00:00:00.3","SwapPatience":"00:00:00.1"},"Memory":{"Reserve":"0GB"} """;

    [Fact]
    public async Task Server_IsLaunchedAskedListedAndShutDown()
    {
        var gateway = shared.Gateway;
        await using var agent = await Agent.OverHttpAsync(gateway);
        var port = Agent.FreePort();

        var launched = await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0.1 });
        var pid = launched.GetProperty("pid").GetInt32();
        Assert.Equal("ready", launched.GetProperty("state").GetString());
        Assert.Contains($"on port {port} (process {pid})", launched.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.True(Gateway.IsAlive(pid));

        foreach (var host in new[] { "127.0.0.1", "[::1]", "localhost" })
        {
            using var client = Client(port, host);
            var answer = await ChatAsync(client, "whatever-the-client-thinks");
            Assert.Equal("one", answer.GetProperty("model").GetString());
            var list = await JsonAsync(client, "/v1/models");
            Assert.Equal(["one"], list.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!));
        }

        var status = await agent.AskAsync("check_llm_status", new { port });
        Assert.Equal("ready", status.GetProperty("server").GetProperty("state").GetString());
        Assert.Equal(pid, status.GetProperty("server").GetProperty("pid").GetInt32());
        var running = (await agent.AskAsync("list_running_servers")).GetProperty("servers").EnumerateArray().Single();
        Assert.Equal((port, "one"), (running.GetProperty("port").GetInt32(), running.GetProperty("model").GetString()));
        Assert.Equal([port], (await agent.AskAsync("list_models")).GetProperty("models").EnumerateArray().Single(m => m.GetProperty("id").GetString() == "one").GetProperty("ports").EnumerateArray().Select(p => p.GetInt32()));

        await agent.AskAsync("shutdown_llm_server", new { port });
        Assert.False(Gateway.IsAlive(pid));
        Assert.False((await agent.AskAsync("check_llm_status", new { port })).GetProperty("is_running").GetBoolean());
        using var late = Client(port);
        await Assert.ThrowsAsync<HttpRequestException>(() => ChatAsync(late, "one"));
    }

    [Fact]
    public async Task Port_OffersOneModelAndNothingOfTheGateway()
    {
        var gateway = shared.Gateway;
        await using var agent = await Agent.OverHttpAsync(gateway);
        var port = Agent.FreePort();
        await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0 });
        using var client = Client(port);

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri("/health", UriKind.Relative), Demo.Patience())).StatusCode);
        using var second = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var inSecond = await client.SendAsync(second, Demo.Patience());
        Assert.DoesNotContain("\"two\"", await inSecond.Content.ReadAsStringAsync(Demo.Patience()), StringComparison.Ordinal);
        foreach (var path in new[] { "/running", "/api/explain", "/mcp", "/upstream/one/v1/models", "/swagger/index.html", "/v1/models/two", "/nowhere" })
        {
            var answer = await client.GetAsync(new Uri(path, UriKind.Relative), Demo.Patience());
            var error = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Demo.Patience())).RootElement.GetProperty("error");
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            Assert.Contains(error.GetProperty("code").GetString(), new[] { "not_found", "model_not_found" });
        }

        await agent.AskAsync("shutdown_llm_server", new { port });
        using var kept = await client.GetAsync(new Uri("/health", UriKind.Relative), Demo.Patience()); // over the connection that was open before
        Assert.Equal(HttpStatusCode.NotFound, kept.StatusCode);
        Assert.True(kept.Headers.ConnectionClose);
    }

    [Fact]
    public async Task Launch_OnATakenPort_IsRefused()
    {
        var gateway = shared.Gateway;
        await using var agent = await Agent.OverHttpAsync(gateway);
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var taken = ((IPEndPoint)other.LocalEndpoint).Port;
        var own = Agent.FreePort();
        await agent.AskAsync("launch_llm_server", new { model_name = "one", port = own, memory_requirement_gb = 0 });

        foreach (var port in new[] { taken, own, gateway.Address.Port })
        {
            Assert.Equal($"Port {port} is already in use.", await agent.RefusedAsync("launch_llm_server", new { model_name = "two", port, memory_requirement_gb = 0 }));
        }

        Assert.DoesNotContain(await gateway.RunningAsync(), m => m.Model == "two");
        await agent.AskAsync("shutdown_llm_server", new { port = own });
    }

    [Fact]
    public async Task Port_OfTheGatewayItself_IsCalledThat()
    {
        var gateway = shared.Gateway;
        await using var agent = await Agent.OverHttpAsync(gateway);
        var port = gateway.Address.Port;

        var status = await agent.AskAsync("check_llm_status", new { port });
        var refused = await agent.CallAsync("launch_llm_server", new { model_name = "two", port, memory_requirement_gb = 0 });

        Assert.True(status.GetProperty("is_running").GetBoolean());
        Assert.Contains("the gateway's own", status.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("The gateway itself", ((ModelContextProtocol.Protocol.TextContentBlock)refused.Content[1]).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_OfAProgramThatListensOnIPv6Alone_SaysThatSomethingListens()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "There is no IPv6 here.");
        await using var agent = await Agent.OverHttpAsync(shared.Gateway);
        using var other = new TcpListener(IPAddress.IPv6Loopback, Agent.FreePort());
        other.Start();
        using var mute = other.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().ContinueWith(static t => t.Result.Close(), TaskScheduler.Default);

        Assert.StartsWith("Something listens", (await agent.AskAsync("check_llm_status", new { port = ((IPEndPoint)other.LocalEndpoint).Port })).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SocketError.AccessDenied, false, PortObstacle.NotAllowed)]
    [InlineData(SocketError.AddressAlreadyInUse, false, PortObstacle.AnotherProgram)]
    [InlineData(SocketError.AddressAlreadyInUse, true, PortObstacle.TheGateway)]
    [InlineData(SocketError.NetworkDown, false, PortObstacle.Other)]
    internal void Port_ThatTheSystemRefuses_IsNotAlwaysTaken(SocketError error, bool isOwn, PortObstacle obstacle) =>
        Assert.Equal(obstacle, PortHeldException.Of(new SocketException((int)error), isOwn).Obstacle);

    [Fact]
    public async Task Restart_WithoutMemory_IsRefusedBeforeAnythingIsEnded()
    {
        await using var gateway = await Gateway.StartAsync(Pair, """ "Residency":{"MaxResident":0},"Memory":{"Budget":"1GB","Reserve":"0GB"} """);
        await using var agent = await Agent.OverHttpAsync(gateway);
        Assert.Equal(1L << 30, (await agent.AskAsync("explain")).GetProperty("ceiling_bytes").GetInt64()); // nobody has asked for a model yet
        var port = Agent.FreePort();
        var pid = (await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0 })).GetProperty("pid").GetInt32();

        foreach (var other in new[] { "one", "two" })
        {
            Assert.Equal(
                "Insufficient memory. Only 1.00GB available, but at least 4.0GB is requested to launch this model safely.",
                await agent.RefusedAsync("restart_llm_server", new { port, model_name = other }));
        }

        Assert.Equal(pid, (await agent.AskAsync("check_llm_status", new { port })).GetProperty("server").GetProperty("pid").GetInt32());
        Assert.NotEqual(pid, (await agent.AskAsync("restart_llm_server", new { port, memory_requirement_gb = 0.95 })).GetProperty("pid").GetInt32()); // with what its own end frees
    }

    [Fact]
    public async Task Launch_WithoutMemory_IsRefusedAndThePortIsFree()
    {
        await using var gateway = await Gateway.StartAsync(Pair, """ "Residency":{"MaxResident":0},"Memory":{"Budget":"1GB","Reserve":"0GB"} """);
        await using var agent = await Agent.OverHttpAsync(gateway);
        var port = Agent.FreePort();

        Assert.Equal(
            "Insufficient memory. Only 1.00GB available, but at least 4.0GB is requested to launch this model safely.",
            await agent.RefusedAsync("launch_llm_server", new { model_name = "one", port }));
        Assert.Empty(await gateway.RunningAsync());
        using var free = new TcpListener(IPAddress.Loopback, port);
        free.Start();
    }

    [Fact]
    public async Task Launch_OfWhatExitsAtOnce_SaysHow()
    {
        var gateway = shared.Gateway;
        await using var agent = await Agent.OverHttpAsync(gateway);
        var port = Agent.FreePort();
        var said = await agent.RefusedAsync("launch_llm_server", new { model_name = "broken", port, memory_requirement_gb = 0 });

        Assert.Contains("exit code 3", said, StringComparison.Ordinal);
        Assert.Contains("error: the model could not be loaded, as was asked for", said, StringComparison.Ordinal);
        Assert.False((await agent.AskAsync("check_llm_status", new { port })).GetProperty("is_running").GetBoolean());
    }

    [Fact]
    public async Task Model_ThatDies_IsLoadedAgainWithoutBeingAsked()
    {
        await using var gateway = await Gateway.StartAsync(Pair, Together);
        await using var agent = await Agent.OverHttpAsync(gateway);
        var port = Agent.FreePort();
        var pid = (await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0 })).GetProperty("pid").GetInt32();
        for (var death = 0; death < 2; death++)
        {
            using var kill = System.Diagnostics.Process.Start("kill", ["-9", $"{pid}"]);
            var next = await gateway.UntilRunningAsync(all => all is [{ State: "ready", Pid: { } now }] && now != pid);
            pid = next.Single().Pid!.Value;
        }

        using var client = Client(port);
        Assert.Equal("one", (await ChatAsync(client, "one")).GetProperty("model").GetString());
    }

    [Fact]
    public async Task Gateway_ThatTakesNoNewWork_LaunchesAndLoadsNothingUntilItDoes()
    {
        await using var gateway = await Gateway.StartAsync(Pair, Together);
        await using var agent = await Agent.OverHttpAsync(gateway);
        var (port, other) = (Agent.FreePort(), Agent.FreePort());
        await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0 });
        Assert.Equal(200, (await gateway.PostAsync("/api/drain", "")).Status);

        Assert.Contains("takes no new requests", await agent.RefusedAsync("launch_llm_server", new { model_name = "two", port = other, memory_requirement_gb = 0 }), StringComparison.Ordinal);
        Assert.Contains("takes no new requests", await agent.RefusedAsync("restart_llm_server", new { port, model_name = "two" }), StringComparison.Ordinal);
        Assert.Contains("takes no new requests", await agent.RefusedAsync("load_model", new { model_name = "two" }), StringComparison.Ordinal);
        Assert.Equal(["one"], (await gateway.RunningAsync()).Select(static m => m.Model));

        Assert.Equal(200, (await gateway.PostAsync("/api/resume", "")).Status);
        await agent.AskAsync("launch_llm_server", new { model_name = "two", port = other, memory_requirement_gb = 0 });
    }

    [Fact]
    public async Task Server_IsRememberedOverARestartOfTheGateway()
    {
        var port = Agent.FreePort();
        await using var first = await Gateway.StartAsync(Pair, Together);
        await using (var agent = await Agent.OverHttpAsync(first))
        {
            await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0 });
#pragma warning disable CA1416 // There is no Windows here.
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(first.StateFolder, "ports.json")));
#pragma warning restore CA1416
        }

        first.Signal("KILL");
        await first.ExitCodeAsync();
        await using var second = await first.StartAnotherAsync(Pair, Together);
        await second.UntilRunningAsync(all => all is [{ Model: "one", State: "ready" }]);
        using var client = Client(port);
        Assert.Equal("one", (await ChatAsync(client, "any")).GetProperty("model").GetString());

        await using var later = await Agent.OverHttpAsync(second);
        await later.AskAsync("shutdown_llm_server", new { port });
        Assert.Equal("{}", await File.ReadAllTextAsync(Path.Combine(second.StateFolder, "ports.json"), Demo.Patience()));
    }

    [Fact]
    public async Task SecondServer_WhereOneModelMayBeInMemory_SwapsAndSaysSo()
    {
        await using var gateway = await Gateway.StartAsync(Pair, Alone);
        await using var agent = await Agent.OverHttpAsync(gateway);
        var (first, second) = (Agent.FreePort(), Agent.FreePort());
        await agent.AskAsync("launch_llm_server", new { model_name = "one", port = first, memory_requirement_gb = 0 });
        var said = (await agent.AskAsync("launch_llm_server", new { model_name = "two", port = second, memory_requirement_gb = 0 })).GetProperty("message").GetString();

        Assert.Contains("At most 1 model is in memory at once (MlxGateway:Residency:MaxResident), so 'one' may leave for it when idle; the other ports stay, and a request there swaps its model back.", said, StringComparison.Ordinal);
        await gateway.UntilRunningAsync(all => all is [{ Model: "two", State: "ready" }]);
        Assert.Equal("unloaded", (await agent.AskAsync("check_llm_status", new { port = first })).GetProperty("server").GetProperty("state").GetString());
        using var client = Client(first);
        Assert.Equal("one", (await ChatAsync(client, "x")).GetProperty("model").GetString());
        await gateway.UntilRunningAsync(all => all is [{ Model: "one", State: "ready" }]);
    }

    [Fact]
    public async Task Stream_OnAPort_IsNeitherEvictedNorDisturbedByOtherPorts()
    {
        await using var gateway = await Gateway.StartAsync(Pair, Alone);
        await using var agent = await Agent.OverHttpAsync(gateway);
        var (first, second) = (Agent.FreePort(), Agent.FreePort());
        await agent.AskAsync("launch_llm_server", new { model_name = "one", port = first, memory_requirement_gb = 0 });
        using var client = Client(first);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(Gateway.ChatBody("x", """ "stream":true,"demo":{"tokens":40,"token_delay":0.05} """), System.Text.Encoding.UTF8, "application/json"),
        };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Demo.Patience());
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Demo.Patience()));
        var lines = new List<string> { (await reader.ReadLineAsync(Demo.Patience()))! };

        // While it streams, ports come and go, and another model wants its place.
        var third = Agent.FreePort();
        await agent.AskAsync("launch_llm_server", new { model_name = "one", port = third, memory_requirement_gb = 0 });
        await agent.AskAsync("shutdown_llm_server", new { port = third });
        var swap = agent.AskAsync("launch_llm_server", new { model_name = "two", port = second, memory_requirement_gb = 0 });
        while (await reader.ReadLineAsync(Demo.Patience()) is { } line)
        {
            lines.Add(line);
        }

        Assert.Equal("data: [DONE]", lines.Last(l => l.Length > 0));
        Assert.Equal("ready", (await swap).GetProperty("state").GetString());
        await gateway.UntilRunningAsync(all => all is [{ Model: "two", State: "ready" }]);
    }

    [Fact]
    public async Task Restart_GivesAPortAnotherProcessOrAnotherModel()
    {
        var gateway = shared.Gateway;
        await using var agent = await Agent.OverHttpAsync(gateway);
        var port = Agent.FreePort();
        var first = (await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0 })).GetProperty("pid").GetInt32();
        var second = (await agent.AskAsync("restart_llm_server", new { port, memory_requirement_gb = 0 })).GetProperty("pid").GetInt32();
        var other = await agent.AskAsync("restart_llm_server", new { port, model_name = "two", memory_requirement_gb = 0 });

        Assert.NotEqual(first, second);
        Assert.False(Gateway.IsAlive(first));
        Assert.False(Gateway.IsAlive(second));
        Assert.Equal("two", other.GetProperty("model").GetString());
        using var client = Client(port);
        Assert.Equal(["two"], (await JsonAsync(client, "/v1/models")).GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!));
        Assert.Equal(["two"], (await gateway.RunningAsync()).Where(m => m.State != "cooling").Select(m => m.Model));
        await agent.AskAsync("shutdown_llm_server", new { port });
    }

    private static HttpClient Client(int port, string host = "127.0.0.1") => new() { BaseAddress = new Uri($"http://{host}:{port}"), Timeout = TimeSpan.FromSeconds(60) };

    private static async Task<JsonElement> ChatAsync(HttpClient client, string model)
    {
        using var body = new StringContent(Gateway.ChatBody(model), System.Text.Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), body, Demo.Patience());
        var text = await answer.Content.ReadAsStringAsync(Demo.Patience());
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static async Task<JsonElement> JsonAsync(HttpClient client, string path) => JsonDocument.Parse(await client.GetStringAsync(new Uri(path, UriKind.Relative), Demo.Patience())).RootElement;

    /// <summary>A gateway for tests that leave nothing behind.</summary>
    public sealed class TogetherGateway : IAsyncLifetime
    {
        public Gateway Gateway { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(Pair, Together);

        public ValueTask DisposeAsync() => Gateway.DisposeAsync();
    }
}
