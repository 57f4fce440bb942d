using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Mcp;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>An agent fetches models from a stand-in of the Hub, and launches them with the real engines.</summary>
public sealed class AgentHubTests(HubGateway fixture) : IClassFixture<HubGateway>
{
    private Gateway Gateway => fixture.Gateway;

    [Fact]
    public async Task Agent_DownloadsAndIsToldHowFarItIs()
    {
        await using var agent = await Agent.OverHttpAsync(Gateway);
        var progress = new Notes();
        var fetched = await agent.AskAsync("download_model", new { model_name = "org/by-agent" }, progress);
        var again = await agent.AskAsync("download_model", new { model_name = "org/by-agent" });

        Assert.Equal("org/by-agent", fetched.GetProperty("model").GetString());
        Assert.True(fetched.GetProperty("bytes").GetInt64() > 100_000);
        Assert.Equal("'org/by-agent' is here already.", again.GetProperty("message").GetString());
        Assert.Contains("org/absent", await agent.RefusedAsync("download_model", new { model_name = "org/absent" }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Launch_OfWhatIsNotHere_FetchesItAndItsPortWaits()
    {
        await using var agent = await Agent.OverHttpAsync(Gateway);
        var fault = new HubFault { After = 150_000, Holds = true };
        fixture.Hub.Fault = fault;
        var port = Agent.FreePort();
        var launch = agent.AskAsync("launch_llm_server", new { model_name = "org/launched", port, memory_requirement_gb = 0 });
        await Gateway.UntilAsync(async () => (await agent.AskAsync("check_llm_status", new { port })).GetProperty("server") is { ValueKind: JsonValueKind.Object } server && server.GetProperty("state").GetString() == "downloading");
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        var chat = client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), new StringContent(Gateway.ChatBody("anything"), Encoding.UTF8, "application/json"), Demo.Patience());
        fixture.Hub.Fault = null;
        fault.Release();

        Assert.Contains((await launch).GetProperty("state").GetString(), new[] { "ready", "loading", "downloading" });
        var answer = await (await chat).Content.ReadAsStringAsync(Demo.Patience());
        Assert.Contains("Hello from the Hub", answer, StringComparison.Ordinal);
        await Gateway.UntilAsync(async () => (await agent.AskAsync("check_llm_status", new { port })).GetProperty("server").GetProperty("state").GetString() == "ready");
        await agent.AskAsync("shutdown_llm_server", new { port });
    }

    [Fact]
    public async Task Launch_WhoseModelIsHalfHereWhenTheGatewayEnds_IsGoneOnWithByTheNextOne()
    {
        _ = Gateway;
        var port = Agent.FreePort();
        var fault = new HubFault { After = 150_000, Holds = true };
        await using var first = await fixture.StartAsync();
        await using (var agent = await Agent.OverHttpAsync(first))
        {
            fixture.Hub.Fault = fault;
            Assert.Equal("downloading", (await agent.AskAsync("launch_llm_server", new { model_name = "org/halfway", port, memory_requirement_gb = 0 })).GetProperty("state").GetString());
        }

        first.Signal("TERM");
        await first.ExitCodeAsync();
        fixture.Hub.Fault = null;
        fault.Release();
        await using var second = await fixture.StartAsync(first);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await second.UntilRunningAsync(all => all is [{ Model: "org/halfway", State: "ready" }]); // though nobody asks for it
        using var answer = await client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), new StringContent(Gateway.ChatBody("anything"), Encoding.UTF8, "application/json"), Demo.Patience());

        Assert.Contains("Hello from the Hub", await answer.Content.ReadAsStringAsync(Demo.Patience()), StringComparison.Ordinal);
        Assert.Contains("\"is_fetched\": false", await File.ReadAllTextAsync(Path.Combine(second.StateFolder, "ports.json"), Demo.Patience()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Launch_OfWhatTheHubDoesNotHave_FailsAndThePortIsFree()
    {
        await using var agent = await Agent.OverHttpAsync(Gateway);
        var port = Agent.FreePort();

        Assert.Contains("'org/absent' could not be downloaded", await agent.RefusedAsync("launch_llm_server", new { model_name = "org/absent", port, memory_requirement_gb = 0 }), StringComparison.Ordinal);
        Assert.False((await agent.AskAsync("check_llm_status", new { port })).GetProperty("is_running").GetBoolean());
    }

    [Fact]
    public async Task LlamaServer_OnAPort_Answers()
    {
        await using var agent = await Agent.OverHttpAsync(Gateway);
        var port = Agent.FreePort();
        var launched = await agent.AskAsync("launch_llm_server", new { model_name = "org/tiny-gguf", port, memory_requirement_gb = 0 });
        using var client = new HttpClient { BaseAddress = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://localhost:{port}")) };
        using var answer = await client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), new StringContent(Gateway.ChatBody("gpt-4"), Encoding.UTF8, "application/json"), Demo.Patience());

        Assert.NotEqual("failed", launched.GetProperty("state").GetString());
        Assert.Contains("Hello from llama", await answer.Content.ReadAsStringAsync(Demo.Patience()), StringComparison.Ordinal);
        await agent.AskAsync("shutdown_llm_server", new { port });
    }
}
