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
        var launched = await agent.AskAsync("launch_llm_server", new { model_name = "slow", port = Agent.FreePort(), memory_requirement_gb = 0 }, progress);

        Assert.Equal("loading", launched.GetProperty("state").GetString());
        Assert.Contains("It is still loading; requests to the port wait for it.", launched.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.InRange(progress.Messages.Count, 5, 12);
        Assert.All(progress.Messages, m => Assert.Equal("'slow': loading", m));
        gate.Open();
        await gateway.UntilRunningAsync(all => all is [{ State: "ready" }]);
    }
}
