using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>The first minute, the mistakes of the first hour, and the end.</summary>
public sealed class StartTests
{
    [Fact]
    public async Task Start_WithoutAnyModel_ServesADemonstrationAndSaysSo()
    {
        await using var gateway = await Gateway.StartAsync("", "\"Engines\":{}"); // it looks for every engine, as it is delivered
        await gateway.UntilWrittenAsync("Try it");

        Assert.Contains("a demonstration and not a language model", gateway.Output, StringComparison.Ordinal);
        Assert.Matches(@"Memory +[\d.]+ GB of memory \(.+\), 3\.00 GB kept in reserve: models may use [\d.]+ GB", gateway.Output);
        Assert.Contains("llama_server", gateway.Output, StringComparison.Ordinal);
        var answer = await gateway.ChatAsync("demo-small");
        Assert.Contains("not a language model", answer.Content, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_EveryKindOfMistake_AllAtOnceWithoutAStackTrace()
    {
        var (code, output) = await Gateway.RunAsync("""
            {"MlxGateway":{
              "Memory":{"Budget":"lots","Reserv":"1GB"},
              "Residency":{"MaxResident":-1,"IdleTimeout":"soon"},
              "DefaultModel":"nobody",
              "Models":{
                "one":{"Source":"/a.gguf","Aliases":["same"]},
                "two":{"Source":"/b.gguf","Aliases":["same"]},
                "portless":{"Runner":"command","Command":["server"]},
                "commandless":{"Runner":"command"},
                "strange":{"Source":"/c","Runner":"vllm"}
              }}}
            """);

        Assert.Equal(78, code);
        foreach (var expected in (string[])["Memory:Budget", "lots", "Reserv", "did you mean", "MaxResident", "IdleTimeout", "soon"])
        {
            Assert.Contains(expected, output, StringComparison.Ordinal);
        }

        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_MistakesInModels_NameTheModelAndTheKey()
    {
        var (code, output) = await Gateway.RunAsync("""
            {"MlxGateway":{"DefaultModel":"nobody","Models":{
                "one":{"Source":"/a.gguf","Aliases":["same"]},
                "two":{"Source":"/b.gguf","Aliases":["same"]},
                "portless":{"Runner":"command","Command":["server"]},
                "commandless":{"Runner":"command"},
                "strange":{"Source":"/c","Runner":"vllm"}}}}
            """);

        Assert.Equal(78, code);
        Assert.Matches(@"Models:(one|two):Aliases: ""same""", output);
        Assert.Contains("Models:portless:Command", output, StringComparison.Ordinal);
        Assert.Contains("Models:commandless:Command", output, StringComparison.Ordinal);
        Assert.Contains("Models:strange:Runner", output, StringComparison.Ordinal);
        Assert.Contains("DefaultModel: \"nobody\"", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ not json")]
    [InlineData("{\"MlxGateway\":{\"Models\":{}}")]
    public async Task Start_ConfigurationIsNotJson_OneSentence(string config)
    {
        var (code, output) = await Gateway.RunAsync(config);

        Assert.Equal(78, code);
        Assert.Contains("is not valid JSON", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_PortTaken_Exit75AndNamesTheHolder()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;

        var (code, output) = await Gateway.RunAsync("{}", "--port", $"{port}");

        Assert.Equal(75, code);
        Assert.Contains($"port {port} is already in use by", output, StringComparison.Ordinal);
        Assert.Contains($"(process {Environment.ProcessId})", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:18080")]
    [InlineData("http://*:18080")]
    [InlineData("http://[::]:18080")]
    public async Task Start_OnTheNetworkWithoutKeys_IsRefused(string urls)
    {
        var (code, output) = await Gateway.RunAsync("{}", "--urls", urls);

        Assert.Equal(78, code);
        Assert.Contains("AllowAnonymousNetwork", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_MisspeltSwitch_IsAMistake()
    {
        var (code, output) = await Gateway.RunAsync("{}", "--prot", "1");

        Assert.Equal(78, code);
        Assert.Contains("did you mean --port?", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_ModelSwitch_LoadsItFirst()
    {
        await using var gateway = await Gateway.StartAsync("\"d\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}", "", "--model", "d");

        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "d", State: "ready", Leases: 0 }));
    }

    [Fact]
    public async Task Stop_Idle_Exit0WithinTenSecondsAndNothingIsLeft()
    {
        await using var gateway = await Gateway.StartAsync("\"d\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}");
        await gateway.ChatAsync("d");
        var pid = (await gateway.RunningAsync()).Single().Pid!.Value;
        var since = Stopwatch.StartNew();

        gateway.Signal("TERM");

        Assert.Equal(0, await gateway.ExitCodeAsync());
        Assert.True(since.Elapsed < TimeSpan.FromSeconds(10), $"It took {since.Elapsed.TotalSeconds:0.0} s.");
        Assert.False(Gateway.IsAlive(pid));
    }

    [Fact]
    public async Task Stop_WhileBusy_AnswersNewWorkWith503UntilTheEnd()
    {
        await using var gateway = await Gateway.StartAsync("\"d\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}");
        await gateway.ChatAsync("d");
        using var running = await gateway.OpenChatAsync("d", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.05}");
        await running.ReadUntilAsync("data: ");

        gateway.Signal("INT");
        Answer health;
        do
        {
            health = await gateway.GetAsync("/health");
        }
        while (health.Status == 200);
        var refused = await gateway.ChatAsync("d");
        var (text, _) = await running.ReadToEndAsync();

        Assert.Equal("draining", health.Json.GetProperty("status").GetString());
        Assert.Equal((503, "shutting_down"), (refused.Status, refused.Code));
        Assert.Contains("\"code\":\"shutting_down\"", text, StringComparison.Ordinal);
        Assert.Equal(0, await gateway.ExitCodeAsync());
    }

    // The runner writes faster than it is read, so that the gateway has a write under way all the time, also when it takes the runner back.
    [Fact]
    public async Task Stop_WhileAClientReadsSlowly_ItsStreamEndsWithTheReasonAndNotWithAReset()
    {
        await using var gateway = await Gateway.StartAsync("\"d\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}");
        await gateway.ChatAsync("d");
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(gateway.Address.Host, gateway.Address.Port, TestContext.Current.CancellationToken);
        using var slow = new RawConnection(socket);
        await slow.SendAsync("/v1/chat/completions", Gateway.ChatBody("d", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0}"));
        await slow.ReadUntilAsync("data: ");

        gateway.Signal("TERM");
        await gateway.UntilWrittenAsync("are taken back: ShuttingDown");
        var (text, ending) = await slow.ReadToEndAsync();

        Assert.Contains("\"code\":\"shutting_down\"", text, StringComparison.Ordinal);
        Assert.Equal(Ending.Closed, ending);
        Assert.Equal(0, await gateway.ExitCodeAsync());
    }

    [Fact]
    public async Task Killed_WithASecondGatewayAlive_OnlyItsOwnRunnersGo()
    {
        await using var survivor = await Gateway.StartAsync("\"d\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}");
        await survivor.ChatAsync("d");
        await using var victim = await Gateway.StartAsync("\"d\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Args\":[\"--ignore-sigterm\"]}");
        await victim.ChatAsync("d");
        var pid = (await victim.RunningAsync()).Single().Pid!.Value;

        victim.Signal("KILL");

        await Gateway.GoneAsync(pid, TimeSpan.FromSeconds(5));
        Assert.Equal(200, (await survivor.ChatAsync("d")).Status);
    }
}
