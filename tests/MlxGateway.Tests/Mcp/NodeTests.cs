using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>The same server before the protocol's client for Node. Its packages are fetched outside of the tests: <c>npm ci</c> in the folder <c>Mcp/Node</c>.</summary>
public sealed class NodeTests
{
    [Theory]
    [InlineData("http")]
    [InlineData("stdio")]
    public async Task NodesClient_DrivesTheTools(string transport)
    {
        var folder = FolderOf();
        Assert.SkipUnless(Directory.Exists(Path.Combine(folder, "node_modules", "@modelcontextprotocol")), $"The protocol's client for Node is not here. It is fetched by: npm ci --prefix {Path.Combine("tests", "MlxGateway.Tests", "Mcp", "Node")}");
        await using var gateway = await Gateway.StartAsync(
            """ "one": {"Runner":"demo","Memory":"100MB"}, "slow": {"Runner":"demo","Memory":"100MB","Args":["--load-time","600"]} """,
            """ "Residency":{"MaxResident":0},"Memory":{"Reserve":"0GB"} """);
        var port = Agent.FreePort();
        using var node = Process.Start(new ProcessStartInfo("node", ["drive.mjs", transport, gateway.Address.ToString(), Path.Combine(AppContext.BaseDirectory, "MlxGateway"), port.ToString(CultureInfo.InvariantCulture)])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = node.StandardError.ReadToEndAsync(Demo.Patience());
        var output = await node.StandardOutput.ReadToEndAsync(Demo.Patience());
        await node.WaitForExitAsync(Demo.Patience());
        Assert.True(node.ExitCode == 0, await errors);
        var said = JsonDocument.Parse(output).RootElement;

        Assert.Equal("mlxgateway", said.GetProperty("server").GetString());
        Assert.Contains("launch_llm_server", said.GetProperty("tools").EnumerateArray().Select(static t => t.GetString()));
        Assert.Equal("ready", said.GetProperty("launched").GetString());
        Assert.Equal("one", said.GetProperty("status").GetString());
        Assert.Equal($"Port {port} is already in use.", said.GetProperty("again").GetString());
        Assert.Equal("ready", said.GetProperty("restarted").GetString());
        Assert.Equal(10, said.GetProperty("together").GetInt32());
        Assert.True(said.GetProperty("calledOff").GetBoolean());
        Assert.True(said.GetProperty("progress").GetBoolean());
        Assert.Equal(port, said.GetProperty("shutDown").GetInt32());
    }

    private static string FolderOf([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "Node");
}
