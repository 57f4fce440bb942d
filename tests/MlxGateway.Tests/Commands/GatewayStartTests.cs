using System.Globalization;
using MlxGateway.Commands;
using MlxGateway.Supervision.Processes;
using MlxGateway.Tests.Mcp;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>A gateway that is started for somebody, and stays.</summary>
public sealed class GatewayStartTests
{
    [Fact]
    public async Task Start_OfARealGateway_ReturnsWhenItServesInASessionOfItsOwn()
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-start-");
        var config = Path.Combine(folder.FullName, "config.json");
        await File.WriteAllTextAsync(config, $$$"""{"MlxGateway":{"Engines":{"llama_server":{"Executable":"/nowhere/x"},{{{Gateway.NoPythons}}} } } }""", TestContext.Current.CancellationToken);
        var port = Agent.FreePort();
        var address = new Uri($"http://127.0.0.1:{port}");

        var gateway = DetachedProgram.Start("/usr/bin/env", [$"XDG_STATE_HOME={folder.FullName}", Cli.Program, "serve", "--config", config, "--port", port.ToString(CultureInfo.InvariantCulture)], Path.Combine(folder.FullName, "logs", "started.log"));
        try
        {
            await GatewayStart.UntilItServesAsync(gateway, address, TimeProvider.System, TestContext.Current.CancellationToken);

            Assert.False(gateway.HasEnded);
            Assert.Equal(0, (await Cli.RunAsync("ps", "--url", address.ToString())).ExitCode);
            if (OperatingSystem.IsLinux())
            {
                Assert.Equal(gateway.Pid, int.Parse((await File.ReadAllTextAsync($"/proc/{gateway.Pid}/stat", TestContext.Current.CancellationToken)).Split(") ")[1].Split(' ')[3], CultureInfo.InvariantCulture));
            }
        }
        finally
        {
            using var kill = System.Diagnostics.Process.Start("kill", [gateway.Pid.ToString(CultureInfo.InvariantCulture)]);
            await Gateway.UntilAsync(() => gateway.HasEnded);
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Start_OfOneThatAnotherWasQuickerThan_IsThatOtherOne()
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-start-");
        await using var other = await Stranger.AnswerAsync("""{"status":"ok"}""", "application/json");
        var gateway = DetachedProgram.Start(Cli.Program, ["serve", "--prot", "1"], Path.Combine(folder.FullName, "started.log"));
        await Gateway.UntilAsync(() => gateway.HasEnded);

        await GatewayStart.UntilItServesAsync(gateway, new Uri(other.Address), TimeProvider.System, TestContext.Current.CancellationToken);
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Start_ThatFails_SaysItsLastLines()
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-start-");
        using var port = new SilentPort();
        var gateway = DetachedProgram.Start(Cli.Program, ["serve", "--prot", "1"], Path.Combine(folder.FullName, "started.log"));

        var failure = await Assert.ThrowsAsync<CommandFailure>(() => GatewayStart.UntilItServesAsync(gateway, new Uri($"http://127.0.0.1:{port.Number}"), TimeProvider.System, TestContext.Current.CancellationToken));

        Assert.Equal(69, failure.ExitCode);
        Assert.Contains("did you mean --port?", failure.Message, StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }
}
