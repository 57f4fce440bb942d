using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>Runners that do not simply exit, behind the real gateway.</summary>
public sealed class FaultTests
{
    private const string Hasty = "\"Residency\":{\"HangTimeout\":\"00:00:02\",\"Cooldown\":\"00:00:00.1\"},\"Streams\":{\"HoldStatus\":\"00:00:00.2\",\"KeepAlive\":\"00:00:01\"}";

    [Fact]
    public async Task Runner_Freezes_TheRequestEndsAndTheNextIsServedByAFreshOne()
    {
        await using var gateway = await Gateway.StartAsync("\"cold\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Args\":[\"--ignore-sigterm\"]}", Hasty);
        await gateway.ChatAsync("cold"); // which leaves a connection behind: what is sent over it and never answered is no less begun than what has one of its own
        var pid = (await gateway.RunningAsync()).Single().Pid!.Value;
        await gateway.UntilRunningAsync(static r => r.Any(static m => m.Leases == 0));

        // It waits for the same runner, whose process is as alive as before, and came first: whoever comes after the freeze may come when that has been found out.
        var waiting = gateway.ChatAsync("cold", "\"demo\":{\"prefill\":600}");
        await gateway.UntilRunningAsync(static r => r.Any(static m => m.Leases == 1));
        using var stream = await gateway.OpenChatAsync("cold", "\"stream\":true,\"demo\":{\"tokens\":9,\"freeze_after\":2}");
        var (text, ending) = await stream.ReadToEndAsync();
        var whole = await waiting;

        Assert.Equal((502, "runner_failed"), (whole.Status, whole.Code));
        Assert.Contains("it had not sent a byte nor used the processor for ", whole.Message, StringComparison.Ordinal);
        Assert.Equal(Ending.Closed, ending);
        Assert.Contains("\"code\":\"runner_failed\"", text, StringComparison.Ordinal);
        Assert.Contains("it had not sent a byte nor used the processor for ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.Equal(200, (await gateway.ChatAsync("cold")).Status);
        Assert.NotEqual(pid, (await gateway.RunningAsync()).Single().Pid);
        Assert.False(Gateway.IsAlive(pid));
    }

    [Theory]
    [InlineData("\"demo\":{\"prefill\":6,\"busy\":true}")] // it computes
    [InlineData("\"demo\":{\"prefill\":6}")] // it does not, but it answers
    public async Task Runner_IsSilentForLongerThanTheTimeout_IsLeftAlone(string members)
    {
        await using var gateway = await Gateway.StartAsync("\"quiet\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}", Hasty);
        await gateway.ChatAsync("quiet");
        var pid = (await gateway.RunningAsync()).Single().Pid;

        Assert.Equal(200, (await gateway.ChatAsync("quiet", members)).Status);
        Assert.Equal(pid, (await gateway.RunningAsync()).Single().Pid);
    }

    [Fact]
    public async Task Request_ThatEndsItsRunnerTwice_IsRefusedAndOthersAreServed()
    {
        await using var gateway = await Gateway.StartAsync("\"frail\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Aliases\":[\"weak\"]}", "\"Residency\":{\"Cooldown\":\"00:00:00\"}");
        const string Fatal = "\"demo\":{\"die_after\":0}";
        for (var i = 0; i < 2; i++)
        {
            var broken = await gateway.ChatAsync("frail", Fatal);
            Assert.Equal((502, "runner_failed"), (broken.Status, broken.Code));
            Assert.Contains("SIGKILL", broken.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("for memory", broken.Message, StringComparison.Ordinal); // the runner did it itself
        }

        Assert.Equal(200, (await gateway.ChatAsync("frail")).Status);
        var pid = (await gateway.RunningAsync()).Single().Pid;

        var refused = await gateway.ChatAsync("frail", Fatal);

        Assert.Equal((400, "request_breaks_runner"), (refused.Status, refused.Code));
        Assert.Equal("invalid_request_error", refused.Json.GetProperty("error").GetProperty("type").GetString());
        Assert.Equal(pid, (await gateway.RunningAsync()).Single().Pid);
    }

    [Fact]
    public async Task Runner_DiesIdle_TheNextRequestIsServed()
    {
        await using var gateway = await Gateway.StartAsync("\"frail\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}");
        await gateway.ChatAsync("frail");
        var (pid, port) = ((await gateway.RunningAsync()).Single().Pid!.Value, (await gateway.RunningAsync()).Single().Port!.Value);
        using (var runner = System.Diagnostics.Process.GetProcessById(pid))
        {
            runner.Kill();
        }

        // As soon as nobody listens there, so that the gateway may or may not have noticed. That is a moment after its first thread is gone: what connects before may have been heard.
        await Gateway.GoneAsync(pid, TimeSpan.FromSeconds(30));
        await Gateway.UntilAsync(async () =>
        {
            using var client = new System.Net.Sockets.TcpClient();
            return await Record.ExceptionAsync(() => client.ConnectAsync(System.Net.IPAddress.Loopback, port, TestContext.Current.CancellationToken).AsTask()) is System.Net.Sockets.SocketException { SocketErrorCode: System.Net.Sockets.SocketError.ConnectionRefused };
        });
        Assert.Equal(200, (await gateway.ChatAsync("frail")).Status);
        Assert.NotEqual(pid, (await gateway.RunningAsync()).Single().Pid);
    }
}
