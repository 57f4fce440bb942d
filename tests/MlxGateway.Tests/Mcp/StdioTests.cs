using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>The tools over standard input and output: the real program between the official client and the real gateway.</summary>
public sealed class StdioTests
{
    private const string Models = """ "one": {"Runner":"demo","Memory":"100MB"}, "slow": {"Runner":"demo","Memory":"100MB","Args":["--load-time","600"]} """;
    private const string Rest = """ "Residency":{"MaxResident":0},"Memory":{"Reserve":"0GB"} """;

    [Fact]
    public async Task Tools_WorkOverStdioAsOverHttp()
    {
        await using var gateway = await Gateway.StartAsync(Models, Rest);
        await using var agent = await OverStdioAsync(gateway.StateFolder, gateway.Address.Port);
        var tools = await agent.Client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken);
        var port = Agent.FreePort();

        var launched = await agent.AskAsync("launch_llm_server", new { model_name = "one", port, memory_requirement_gb = 0 });
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => agent.AskAsync("list_running_servers")));

        Assert.Contains(tools, t => t.Name == "recommend_model");
        Assert.Equal("ready", launched.GetProperty("state").GetString());
        Assert.All(answers, a => Assert.Equal(port, a.GetProperty("servers")[0].GetProperty("port").GetInt32()));
        Assert.Equal($"Port {port} is already in use.", await agent.RefusedAsync("launch_llm_server", new { model_name = "one", port }));
    }

    // The package's own way to call off (the token of a call) tells a server nothing over this transport, so it is told with words: in the newest revision and in one with a session.
    [Theory]
    [InlineData(null)]
    [InlineData("2025-11-25")]
    public async Task Call_ThatIsCalledOff_EndsAtTheGatewayToo(string? revision)
    {
        await using var gateway = await Gateway.StartAsync(Models, Rest);
        await using var agent = await OverStdioAsync(gateway.StateFolder, gateway.Address.Port, new McpClientOptions { ProtocolVersion = revision });
        var request = new JsonRpcRequest
        {
            Id = new RequestId("the call"),
            Method = RequestMethods.ToolsCall,
            Params = JsonNode.Parse("""{"name":"load_model","arguments":{"model_name":"slow"},"_meta":{"progressToken":"its progress"}}"""),
        };
        var told = new TaskCompletionSource<string>();
        await using var hearing = agent.Client.RegisterNotificationHandler(NotificationMethods.ProgressNotification, (note, _) =>
        {
            told.TrySetResult(note.Params!["message"]!.GetValue<string>());
            return default;
        });
        var load = agent.Client.SendRequestAsync(request, Demo.Patience());
        await gateway.UntilRunningAsync(all => all is [{ Model: "slow", Waiting: 1 }]);
        Assert.Contains("slow", await told.Task.WaitAsync(Demo.Patience()), StringComparison.Ordinal);

        await agent.Client.SendNotificationAsync(NotificationMethods.CancelledNotification, new CancelledNotificationParams { RequestId = request.Id }, cancellationToken: Demo.Patience());

        var left = (await gateway.UntilRunningAsync(all => all is [{ Model: "slow", Waiting: 0 }])).Single();
        Assert.Equal("launching", left.State); // nobody waits for it any more, and the load itself goes on
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => load);
    }

    [Fact]
    public async Task WithoutAGateway_OneIsStartedThatStays()
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-test-");
        var port = Agent.FreePort();
        var config = Path.Combine(folder.FullName, "config.json");
        await File.WriteAllTextAsync(
            config,
            $$$"""{"MlxGateway":{"Discovery":{"HuggingFaceCache":false,"LmStudio":false,"Ollama":false},"Engines":{"llama_server":{"Executable":"/nowhere/llama-server"},{{{Gateway.NoPythons}}}},{{{Rest}}},"Models":{ {{{Models}}} } } }""",
            Demo.Patience());
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        int pid;
        await using (var agent = await OverStdioAsync(Path.Combine(folder.FullName, "mlxgateway"), port, "--config", config))
        {
            pid = (await agent.AskAsync("load_model", new { model_name = "one" })).GetProperty("pid").GetInt32();
        }

        try
        {
            Assert.Contains($"\"pid\":{pid}", await client.GetStringAsync(new Uri("/running", UriKind.Relative), Demo.Patience()), StringComparison.Ordinal);
        }
        finally
        {
            var own = File.ReadAllText($"/proc/{pid}/status").Split('\n').First(l => l.StartsWith("PPid:", StringComparison.Ordinal))[5..].Trim();
            using var kill = Process.Start("kill", ["-TERM", own]);
            await Gateway.GoneAsync(int.Parse(own, CultureInfo.InvariantCulture), TimeSpan.FromSeconds(30));
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Output_IsNothingButProtocol()
    {
        await using var gateway = await Gateway.StartAsync(Models, Rest);
        var start = new ProcessStartInfo(Program, ["mcp", "--port", $"{gateway.Address.Port}"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        using var relay = Process.Start(start)!;
        await relay.StandardInput.WriteAsync(
            """
            {"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}
            {"jsonrpc":"2.0","method":"notifications/initialized"}

            this is no message
            {"jsonrpc":"2.0","id":2,"method":"tools/list"}
            {"jsonrpc":"2.0","id":3,"method":"sing"}
            {"jsonrpc":"2.0","id":"a+b ü","method":"ping"}
            """);
        relay.StandardInput.Close();
        var lines = (await relay.StandardOutput.ReadToEndAsync(Demo.Patience())).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        await relay.WaitForExitAsync(Demo.Patience());

        Assert.Equal(0, relay.ExitCode);
        Assert.All(lines, l => Assert.Equal("2.0", l.GetProperty("jsonrpc").GetString()));
        Assert.Equal("2025-06-18", lines.Single(l => l.GetProperty("id").ToString() == "a").GetProperty("result").GetProperty("protocolVersion").GetString());
        Assert.True(lines.Single(l => l.GetProperty("id").ToString() == "2").GetProperty("result").GetProperty("tools").GetArrayLength() > 10);
        Assert.Equal(-32601, lines.Single(l => l.GetProperty("id").ToString() == "3").GetProperty("error").GetProperty("code").GetInt32());
        Assert.Equal(-32700, lines.Single(l => l.GetProperty("id").ValueKind == JsonValueKind.Null).GetProperty("error").GetProperty("code").GetInt32());
        Assert.True(lines.Single(l => l.GetProperty("id").ToString() == "a+b ü").TryGetProperty("result", out _)); // once, and not an error behind it
        Assert.Equal(5, lines.Count);
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "MlxGateway");

    private static Task<Agent> OverStdioAsync(string stateFolder, int port, params string[] switches) => OverStdioAsync(stateFolder, port, new McpClientOptions(), switches);

    private static async Task<Agent> OverStdioAsync(string stateFolder, int port, McpClientOptions options, params string[] switches)
    {
        var transport = new StdioClientTransport(new StdioClientTransportOptions
        {
            Command = Program,
            Arguments = ["mcp", "--port", port.ToString(CultureInfo.InvariantCulture), .. switches],
            WorkingDirectory = Path.GetDirectoryName(stateFolder),
            EnvironmentVariables = new Dictionary<string, string?> { ["XDG_STATE_HOME"] = Path.GetDirectoryName(stateFolder) },
        });
        return new Agent(await McpClient.CreateAsync(transport, options, cancellationToken: Demo.Patience()));
    }
}
