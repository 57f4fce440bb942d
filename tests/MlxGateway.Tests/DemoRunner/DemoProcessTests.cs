using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.DemoRunner;

public sealed class DemoProcessTests
{
    [Theory]
    [InlineData("--die-aftr")]
    [InlineData("--port")]
    [InlineData("--tokens", "-1")]
    [InlineData("--memory", "300")]
    [InlineData("stray")]
    public async Task CommandLine_Wrong_ExitsWithTwoAndNamesIt(params string[] args)
    {
        await using var demo = Demo.Start(args);

        Assert.Contains(args[0], await demo.Errors.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(2, await demo.ExitCodeAsync());
    }

    [Fact]
    public async Task ExitAtStart_Given_ExitsSoAndSaysWhy()
    {
        await using var demo = Demo.Start("--port", "0", "--exit-at-start", "7");

        Assert.StartsWith("error: ", await demo.Errors.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(7, await demo.ExitCodeAsync());
    }

    [Fact]
    public async Task Port_Taken_ExitsWithOne()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        await using var demo = Demo.Start("--port", port);

        Assert.Contains($"port {port} is taken", await demo.Errors.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(1, await demo.ExitCodeAsync());
    }

    [Fact]
    public async Task LoadTime_Given_AnswersNothingElseUntilThen()
    {
        using var gate = new Gate();
        await using var demo = await Demo.ListenAsync(["--load-time", "0.5", "--progress", .. gate.Load]);
        using var early = await demo.Client.GetAsync("/health", TestContext.Current.CancellationToken);
        var bar = await demo.Errors.ReadLineAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
        // StreamReader takes a carriage return for the end of a line, as terminals do not.
        while (bar?.Contains("100%", StringComparison.Ordinal) != true)
        {
            Assert.NotNull(bar);
            bar = await demo.Errors.ReadLineAsync(TestContext.Current.CancellationToken);
        }

        using var late = await demo.Client.GetAsync("/health", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, late.StatusCode);
        gate.Open();
        await UntilHealthyAsync(demo);
    }

    [Fact]
    public async Task ListenLate_Given_IsReadyWhenThePortOpens()
    {
        var start = Stopwatch.GetTimestamp();
        await using var demo = await Demo.ListenAsync("--listen-late", "--load-time", "0.4");

        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(0.39), TimeSpan.FromMinutes(1));
        Assert.Equal(200, (await demo.ChatAsync()).Status);
    }

    [Fact]
    public async Task NeverReady_Given_ListensAndRefuses()
    {
        await using var demo = await Demo.ListenAsync("--never-ready");

        Assert.Equal(503, (await demo.ChatAsync()).Status);
    }

    [Fact]
    public async Task Memory_Given_IsReallyTaken()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        await using var demo = await Demo.ListenAsync("--memory", "200MB");

        var line = (await File.ReadAllLinesAsync($"/proc/{demo.Pid}/status", TestContext.Current.CancellationToken)).Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        Assert.InRange(int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture), 200 * 1024, 400 * 1024);
    }

    [Fact]
    public async Task Sigterm_WhileAnswering_EndsAtOnce()
    {
        await using var demo = await Demo.ListenAsync();
        var answer = demo.ChatAsync("\"demo\":{\"endless\":true,\"token_delay\":0.05}");
        await demo.UntilAsync("running", 1);
        await demo.TerminateAsync();

        await Assert.ThrowsAsync<HttpRequestException>(() => answer);
        Assert.Equal(0, await demo.ExitCodeAsync());
    }

    [Fact]
    public async Task Sigterm_FinishingWhileAnswering_WaitsForTheAnswer()
    {
        using var gate = new Gate();
        await using var demo = await Demo.ListenAsync(["--finish-on-sigterm", .. gate.Answer]);
        var answer = demo.ChatAsync();
        await demo.UntilAsync("running", 1);
        await demo.TerminateAsync();
        gate.Open();

        Assert.Equal(200, (await answer).Status);
        Assert.Equal(0, await demo.ExitCodeAsync());
    }

    [Fact]
    public async Task Sigterm_Ignored_HasNoEffect()
    {
        using var gate = new Gate();
        await using var demo = await Demo.ListenAsync(["--ignore-sigterm", .. gate.Answer]);
        var answer = demo.ChatAsync();
        await demo.UntilAsync("running", 1);
        await demo.TerminateAsync();
        gate.Open();

        Assert.Equal(200, (await answer).Status);
        Assert.Equal(200, (await demo.ChatAsync()).Status);
    }

    [Fact]
    public async Task Flood_Given_WritesWithoutEndAndAnswers()
    {
        await using var demo = await Demo.ListenAsync("--flood-stderr");
        for (var i = 0; i < 2000; i++)
        {
            Assert.NotNull(await demo.Errors.ReadLineAsync(TestContext.Current.CancellationToken));
        }

        Assert.Equal(200, (await demo.ChatAsync()).Status);
    }

    [Fact]
    public async Task Relatives_Spawned_AreWhereTheyShouldBe()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        await using var demo = await Demo.ListenAsync("--spawn-child", "--spawn-escaped");
        var pids = (await demo.CountsAsync()).GetProperty("relatives").EnumerateArray().Select(p => p.GetInt32()).ToArray();
        try
        {
            var own = Family.Of(demo.Pid);
            Assert.Equal(new Family(demo.Pid, own.Group, own.Session), Family.Of(pids[0]));
            var escaped = Family.Of(pids[1]);
            Assert.NotEqual(demo.Pid, escaped.Parent);
            Assert.NotEqual(own.Group, escaped.Group);
            Assert.NotEqual(own.Session, escaped.Session);
        }
        finally
        {
            Array.ForEach(pids, pid => Process.GetProcessById(pid).Kill());
        }
    }

    [Fact]
    public async Task HangAccept_Given_TakesConnectionsAndSaysNothing()
    {
        await using var demo = await Demo.ListenAsync("--hang-accept");
        using var connection = await demo.OpenChatAsync("");
        var answer = connection.ReadToEndAsync();
        using var second = await demo.OpenChatAsync("");

        Assert.NotSame(answer, await Task.WhenAny(answer, Task.Delay(300, TestContext.Current.CancellationToken)));
        await demo.TerminateAsync();
        Assert.Equal("", (await answer).Text);
    }

    [Fact]
    public async Task RequireKey_Given_WantsIt()
    {
        await using var demo = await Demo.ListenAsync("--require-key", "secret");

        Assert.Equal(401, (await demo.ChatAsync()).Status);
        demo.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "secret");
        Assert.Equal(200, (await demo.ChatAsync()).Status);
    }

    [Fact]
    public async Task Last_AfterAPost_TellsItWhole()
    {
        await using var demo = await Demo.ListenAsync();
        await demo.ChatAsync("\"seed\":1.50");
        var raw = await demo.Client.GetStringAsync("/demo/last", TestContext.Current.CancellationToken);
        using var last = JsonDocument.Parse(raw);

        Assert.Equal("POST", last.RootElement.GetProperty("method").GetString());
        Assert.Equal("/v1/chat/completions", last.RootElement.GetProperty("path").GetString());
        Assert.Contains("application/json", last.RootElement.GetProperty("headers").GetProperty("Content-Type").GetString(), StringComparison.Ordinal);
        Assert.Contains("\"content\":\"two words\"}],\"seed\":1.50}", raw, StringComparison.Ordinal);
        Assert.Equal(1, (await demo.CountsAsync()).GetProperty("requests").GetInt32());
    }

    private static async Task UntilHealthyAsync(Demo demo)
    {
        for (var status = HttpStatusCode.ServiceUnavailable; status != HttpStatusCode.OK;)
        {
            using var response = await demo.Client.GetAsync("/health", TestContext.Current.CancellationToken);
            status = response.StatusCode;
        }
    }

    private sealed record Family(int Parent, int Group, int Session)
    {
        public static Family Of(int pid)
        {
            // The name in parentheses may hold anything; behind it come state, parent, group and session.
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return new Family(int.Parse(fields[1], CultureInfo.InvariantCulture), int.Parse(fields[2], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture));
        }
    }
}
