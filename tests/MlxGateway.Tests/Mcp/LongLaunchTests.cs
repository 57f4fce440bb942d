using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>A launch that takes longer than an agent is kept waiting. By itself, because it takes so long.</summary>
public sealed class LongLaunchTests
{
    [Fact]
    public async Task Launch_OfWhatTakesLong_AnswersThatItIsStillLoading()
    {
        using var gate = new Gate();
        await using var gateway = await Gateway.StartAsync($$"""
            "slow": {"Runner":"demo","Memory":"100MB","Args":[{{gate.LoadInJson}}]}
            """, """ "Memory":{"Reserve":"0GB"} """);
        await using var agent = await Agent.OverHttpAsync(gateway);
        var progress = new Notes();
        var port = Agent.FreePort();
        var launched = await agent.AskAsync("launch_llm_server", new { model_name = "slow", port, memory_requirement_gb = 0 }, progress);
        var status = await agent.AskAsync("check_llm_status", new { port });

        Assert.Equal("loading", launched.GetProperty("state").GetString());
        Assert.True(Gateway.IsAlive(launched.GetProperty("pid").GetInt32())); // it is known before it is ready
        Assert.Equal(launched.GetProperty("pid").GetInt32(), status.GetProperty("server").GetProperty("pid").GetInt32());
        Assert.Contains("It is still loading; requests to the port wait for it.", launched.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.InRange(progress.Messages.Count, 5, 12);
        Assert.All(progress.Messages, m => Assert.Equal("'slow': loading", m));
        gate.Open();
        await gateway.UntilRunningAsync(all => all is [{ State: "ready" }]);
    }
}
