using System.Diagnostics;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What clients see while a model is loaded, swapped, or cannot be.</summary>
public sealed class WaitingTests
{
    private const string Impatient = "\"Streams\":{\"HoldStatus\":\"00:00:00.1\",\"KeepAlive\":\"00:00:00.1\"},\"Limits\":{\"NonStreamWait\":\"00:00:00.3\"}";

    [Fact]
    public async Task Stream_ModelIsLoading_HearsCommentsAndThenTheAnswer()
    {
        using var gate = new Gate();
        await using var gateway = await Gateway.StartAsync(Slow(gate), Impatient);
        using var connection = await gateway.OpenChatAsync("slow", "\"stream\":true");

        var text = await connection.ReadUntilAsync("\n: loading slow");
        Assert.DoesNotContain("Hello", text, StringComparison.Ordinal);
        gate.Open();
        text += await connection.ReadUntilAsync("\r\n0\r\n\r\n");

        Assert.Contains("data: [DONE]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("data:\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_LaunchFailsAfterTheResponseHasBegun_IsAFrameWithoutAnEnd()
    {
        using var gate = new Gate();
        await using var gateway = await Gateway.StartAsync(Slow(gate, ",\"--exit-at-start\",\"4\""), Impatient);
        using var connection = await gateway.OpenChatAsync("slow", "\"stream\":true");
        Assert.StartsWith("HTTP/1.1 200", await connection.ReadUntilAsync("\n: loading slow"), StringComparison.Ordinal);

        gate.Open();
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(DemoRunner.Ending.Closed, ending);
        Assert.Contains("\"code\":\"model_launch_failed\"", text, StringComparison.Ordinal);
        Assert.False(text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal));
    }

    [Fact]
    public async Task NoStream_WaitIsOver_ToldToComeBackAndTheLoadGoesOn()
    {
        using var gate = new Gate();
        await using var gateway = await Gateway.StartAsync(Slow(gate), Impatient);

        var first = await gateway.ChatAsync("slow");
        Assert.Equal((503, "model_loading"), (first.Status, first.Code));
        Assert.Equal("slow", first.Json.GetProperty("error").GetProperty("loading").GetProperty("model").GetString());
        Assert.InRange(int.Parse(first.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 60);

        gate.Open();
        var pid = (await gateway.UntilRunningAsync(r => r.Any(m => m.State == "ready"))).Single().Pid;
        Assert.Equal(200, (await gateway.ChatAsync("slow")).Status);
        Assert.Equal(pid, (await gateway.RunningAsync()).Single().Pid);
    }

    [Fact]
    public async Task Client_LeavesDuringTheLoad_TheModelIsLoadedAllTheSame()
    {
        using var gate = new Gate();
        await using var gateway = await Gateway.StartAsync(Slow(gate));
        using (await gateway.OpenChatAsync("slow", "\"stream\":true"))
        {
            await gateway.UntilRunningAsync(r => r.Any(m => m is { State: "launching", Waiting: 1 }));
        }

        await gateway.UntilRunningAsync(r => r.Any(m => m is { State: "launching", Waiting: 0 }));
        gate.Open();
        await gateway.UntilRunningAsync(r => r.Any(m => m is { State: "ready", Waiting: 0, Leases: 0 }));
    }

    [Fact]
    public async Task MaxConcurrency_MoreAtOnce_WaitInOrder()
    {
        await using var gateway = await Gateway.StartAsync("\"one\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"MaxConcurrency\":1}");
        await gateway.ChatAsync("one");
        using var first = await gateway.OpenChatAsync("one", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.01}");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Leases: 1 }));
        var second = gateway.ChatAsync("one");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Leases: 1, Waiting: 1 }));
        Assert.False(second.IsCompleted);

        first.Dispose();

        Assert.Equal(200, (await second).Status);
    }

    [Fact]
    public async Task Queue_Full_Is429WithRetryAfter()
    {
        using var gate = new Gate();
        await using var gateway = await Gateway.StartAsync(Slow(gate), "\"Residency\":{\"QueueLimit\":1}");
        var first = gateway.ChatAsync("slow");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Waiting: 1 }));

        var second = await gateway.ChatAsync("slow");

        Assert.Equal((429, "queue_full"), (second.Status, second.Code));
        Assert.Equal("rate_limit_error", second.Json.GetProperty("error").GetProperty("type").GetString());
        Assert.NotNull(second.Header("Retry-After"));
        gate.Open();
        Assert.Equal(200, (await first).Status);
    }

    [Fact]
    public async Task MaxResidentOne_TwoDemoModels_SwapAndNeverOverlap()
    {
        await using var gateway = await Gateway.StartAsync("\"a\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"},\"b\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}");
        await gateway.ChatAsync("a");
        var pid = (await gateway.RunningAsync()).Single().Pid!.Value;

        await gateway.ChatAsync("b");

        Assert.False(Gateway.IsAlive(pid));
        Assert.Equal("b", Assert.Single(await gateway.RunningAsync()).Model);
    }

    [Fact]
    public async Task Runner_IgnoresSigterm_IsGoneWithinTheGrace()
    {
        await using var gateway = await Gateway.StartAsync("\"deaf\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Args\":[\"--ignore-sigterm\",\"--spawn-escaped\",\"--spawn-child\"]}");
        await gateway.ChatAsync("deaf");
        var running = (await gateway.RunningAsync()).Single();
        using var runner = new HttpClient();
        using var facts = System.Text.Json.JsonDocument.Parse(await runner.GetStringAsync(new Uri($"http://127.0.0.1:{running.Port}/demo/requests"), TestContext.Current.CancellationToken));
        var relatives = facts.RootElement.GetProperty("relatives").EnumerateArray().Select(p => p.GetInt32()).ToList();
        Assert.Equal(2, relatives.Count);
        var since = Stopwatch.StartNew();

        Assert.Equal(200, (await gateway.PostAsync("/api/models/unload/deaf", "")).Status);

        Assert.True(since.Elapsed < TimeSpan.FromSeconds(8), $"It took {since.Elapsed.TotalSeconds:0.0} s.");
        Assert.All([running.Pid!.Value, .. relatives], pid => Assert.False(Gateway.IsAlive(pid)));
    }

    // A model whose load is over when the gate is open.
    private static string Slow(Gate gate, string more = "") => $$"""
        "slow":{"Runner":"demo","Memory":"100MB","Args":[{{gate.LoadInJson}}{{more}}]}
        """;
}
