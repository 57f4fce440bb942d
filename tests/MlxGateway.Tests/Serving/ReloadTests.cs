using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>A configuration file that changes while the gateway serves.</summary>
public sealed class ReloadTests
{
    private const string Both = """{"Runner":"demo","Memory":"100MB"}""";

    [Fact]
    public async Task Reload_CommentOrAliasChanged_TouchesNoRunner()
    {
        await using var gateway = await StartAsync();
        var before = await gateway.RunningAsync();

        gateway.Configure($$$"""/* a comment */ "Residency":{"MaxResident":0},"Models":{"a":{{{Both}}},"b":{"Runner":"demo","Memory":"100MB","Aliases":["bee"]}}""");
        await Gateway.UntilAsync(async () => (await gateway.GetAsync("/v1/models")).Text.Contains("bee", StringComparison.Ordinal));

        Assert.Equal(before.Select(m => m.Pid), (await gateway.RunningAsync()).Select(m => m.Pid));
        Assert.Equal(200, (await gateway.ChatAsync("bee")).Status);
        Assert.Equal(before.Select(m => m.Pid), (await gateway.RunningAsync()).Select(m => m.Pid));
    }

    [Fact]
    public async Task Reload_OneModelIsLaunchedInAnotherWay_LeavesAfterItsRequestAndTheOthersStay()
    {
        await using var gateway = await StartAsync();
        var before = await gateway.RunningAsync();
        using var running = await gateway.OpenChatAsync("a", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.01}");
        await running.ReadUntilAsync("data: ");

        gateway.Configure($$$""" "Residency":{"MaxResident":0},"Models":{"a":{"Runner":"demo","Memory":"100MB","Args":["--load-time","0"]},"b":{{{Both}}} }""");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "a", State: "draining", Leases: 1 }));
        running.Dispose();
        await gateway.UntilRunningAsync(r => r.All(m => m.Model != "a"));
        Assert.Equal(200, (await gateway.ChatAsync("a")).Status);

        var after = await gateway.RunningAsync();
        Assert.Equal(before.Single(m => m.Model == "b").Pid, after.Single(m => m.Model == "b").Pid);
        Assert.NotEqual(before.Single(m => m.Model == "a").Pid, after.Single(m => m.Model == "a").Pid);
    }

    [Fact]
    public async Task Reload_ModelIsGoneFromTheFile_LeavesAndIsNotKnownAnyMore()
    {
        await using var gateway = await StartAsync();

        gateway.Configure($$$""" "Residency":{"MaxResident":0},"Models":{"b":{{{Both}}} }""");

        await gateway.UntilRunningAsync(r => r.Select(m => m.Model).SequenceEqual(["b"]));
        Assert.Equal(404, (await gateway.ChatAsync("a")).Status);
    }

    [Fact]
    public async Task Reload_BrokenFile_ChangesNothingAndSaysWhy()
    {
        await using var gateway = await StartAsync();
        var before = await gateway.RunningAsync();

        gateway.Configure("\"Modles\":{}");
        await Gateway.UntilAsync(() => gateway.Output.Contains("did you mean \"Models\"", StringComparison.Ordinal));

        Assert.DoesNotContain("does not start", gateway.Output, StringComparison.Ordinal); // it has
        Assert.Equal(before.Select(m => m.Pid), (await gateway.RunningAsync()).Select(m => m.Pid));
        Assert.Equal(200, (await gateway.ChatAsync("a")).Status);
    }

    [Fact]
    public async Task Reload_NothingThatIsReadAgainHasChanged_IsNotSaidToHave()
    {
        await using var gateway = await StartAsync();
        var before = await gateway.RunningAsync();

        gateway.Configure($$$""" "Residency":{"MaxResident":0},"Streams":{"KeepAlive":"00:00:07"},"Models":{"a":{{{Both}}},"b":{{{Both}}} }""");
        await Gateway.UntilAsync(() => gateway.Output.Contains("take effect at the next start: MlxGateway:Streams:KeepAlive", StringComparison.Ordinal));

        Assert.DoesNotContain("was read again; changed", gateway.Output, StringComparison.Ordinal);
        Assert.Equal(before.Select(m => m.Pid), (await gateway.RunningAsync()).Select(m => m.Pid));
    }

    [Fact]
    public async Task Reload_RulesOfResidency_HoldFromThenOn()
    {
        await using var gateway = await StartAsync();

        gateway.Configure($$$""" "Residency":{"MaxResident":0,"IdleTimeout":"00:00:00.3"},"Models":{"a":{{{Both}}},"b":{{{Both}}} }""");

        await gateway.UntilRunningAsync(r => r.Count == 0);
    }

    private static async Task<Gateway> StartAsync()
    {
        var gateway = await Gateway.StartAsync($"\"a\":{Both},\"b\":{Both}", "\"Residency\":{\"MaxResident\":0}");
        await gateway.ChatAsync("a");
        await gateway.ChatAsync("b");
        return gateway;
    }
}
