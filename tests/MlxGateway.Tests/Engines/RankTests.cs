using System.Net.Sockets;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>One model of the real <c>mlx_lm</c> as two ranks, through the real <c>mlx.launch</c>.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RankTests : IDisposable
{
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-models-");

    private static readonly string[] Pythons = [.. MlxGateways.Pythons.Select(static row => row.Data)];

    public void Dispose() => _models.Delete(recursive: true);

    // One version on one host and the other on two: together they take most of a minute.
    [Fact]
    public async Task TwoRanksOnOneHost_ServeFailAndGoAsOne()
    {
        const string Here = "\"Hosts\":[\"127.0.0.1\"],\"RepeatHosts\":2";
        await using var gateway = await StartAsync(Pythons[0], new Dictionary<string, string>(), await ModelAsync("tiny-a", Here), await ModelAsync("endless", Here, "--endless", "--context", "65536"), await ModelAsync("layered", Here + ",\"Pipeline\":true"));

        await MlxScenarios.AnswersAsync(gateway, "tiny-a");
        await RunnerSecrecy.HoldsAsync(gateway, "tiny-a", "MLXGATEWAY_RUNNER_SECRET");
        var tiny = Assert.Single(await gateway.RunningAsync());
        Assert.Equal(2, RanksOf(tiny).Length);
        await EngineProcess.RestsAsync(tiny.Pid!.Value, TimeSpan.FromSeconds(5)); // left to itself the launcher computes without end
        var secret = (await File.ReadAllTextAsync($"/proc/{tiny.Pid}/environ", Demo.Patience())).Split('\0').Single(v => v.StartsWith("MLXGATEWAY_RUNNER_SECRET=", StringComparison.Ordinal))[25..];
        Assert.All(RankProcess.InSession(tiny.Pid!.Value), pid => Assert.DoesNotContain(secret, RankProcess.CommandLine(pid), StringComparison.Ordinal));

        // Otherwise each rank would go on by itself when the client of such a request leaves.
        Assert.Equal(200, (await gateway.ChatAsync("tiny-a", "\"seed\":7")).Status);

        Assert.Equal(200, (await gateway.PostAsync("/api/models/unload/tiny-a", "")).Status);
        AssertNothingIsLeftOf(tiny);

        // A rank that dies takes the launch with it.
        var first = await StreamUntilAsync(gateway, runner => EngineProcess.Signal("KILL", RanksOf(runner)[1]));
        AssertNothingIsLeftOf(first);

        // One that does not answer the others is found although all of them compute while they wait.
        var second = await StreamUntilAsync(gateway, runner => EngineProcess.Signal("STOP", RanksOf(runner)[1]));
        AssertNothingIsLeftOf(second);
        Assert.NotEqual(first.Pid, second.Pid);
        Assert.Contains("did not answer a question for 3 s", gateway.Output, StringComparison.Ordinal);
        Assert.Equal(200, (await gateway.ChatAsync("endless", "\"max_tokens\":3")).Status);

        await MlxScenarios.SaysWhyItCannotLoadAsync(gateway, "layered", "The model does not support pipelining");
    }

    [Fact]
    public async Task TwoRanksOnTwoHosts_ServeFailAndGoAsOne()
    {
        _ = TinyModels.MlxPython(Pythons[1]);
        using var other = SecondHost.Make(_models);
        var hostfile = Path.Combine(_models.FullName, "hosts.json");
        await File.WriteAllTextAsync(hostfile, other.Hostfile(swapped: false), Demo.Patience());
        await File.WriteAllTextAsync(hostfile + ".swapped", other.Hostfile(swapped: true), Demo.Patience());
        await using var gateway = await StartAsync(
            Pythons[1], new Dictionary<string, string> { ["PATH"] = other.SearchPath },
            await ModelAsync("tiny-a", $"\"Hostfile\":\"{hostfile}\""), await ModelAsync("endless", $"\"Hostfile\":\"{hostfile}\"", "--endless", "--context", "65536"), await ModelAsync("swapped", $"\"Hostfile\":\"{hostfile}.swapped\""));

        await MlxScenarios.AnswersAsync(gateway, "tiny-a");
        var tiny = Assert.Single(await gateway.RunningAsync());
        var there = Assert.Single(other.Ranks());
        Assert.DoesNotContain(there, RankProcess.InSession(tiny.Pid!.Value));
        Assert.DoesNotContain("MLXGATEWAY_RUNNER_SECRET", await File.ReadAllTextAsync($"/proc/{there}/environ", Demo.Patience()), StringComparison.Ordinal);

        Assert.Equal(200, (await gateway.PostAsync("/api/models/unload/tiny-a", "")).Status);
        AssertNothingIsLeftOf(tiny);
        await Gateway.GoneAsync(there, TimeSpan.FromSeconds(3));

        AssertNothingIsLeftOf(await StreamUntilAsync(gateway, _ => EngineProcess.Signal("KILL", other.Ranks().Single())));
        Assert.Contains($"on {other.Name} was killed by SIGKILL", gateway.Output, StringComparison.Ordinal);
        Assert.Equal(200, (await gateway.ChatAsync("endless", "\"max_tokens\":3")).Status);

        await MlxScenarios.SaysWhyItCannotLoadAsync(gateway, "swapped", "is not this machine");

        // Its guard ends what is here, and with the ssh of it what is there.
        Assert.Equal(200, (await gateway.ChatAsync("tiny-a")).Status);
        there = Assert.Single(other.Ranks());
        gateway.Signal("KILL");
        await Gateway.GoneAsync(there, TimeSpan.FromSeconds(8));
    }

    private static Task<Gateway> StartAsync(string python, IReadOnlyDictionary<string, string> variables, params string[] models) => Gateway.StartAsync(variables, string.Join(',', models), $$"""
        "Engines":{"mlx_lm":{"Python":"{{TinyModels.MlxPython(python)}}"},"mlx_vlm":{"Python":"/nowhere/python3"},"llama_server":{"Executable":"/nowhere/llama-server"} },
        "Residency":{"Cooldown":"00:00:00.2","SwapPatience":"00:00:00.1","HangTimeout":"00:00:03"}
        """);

    private async Task<string> ModelAsync(string name, string distributed, params string[] args)
    {
        var path = Path.Combine(_models.FullName, name);
        await TinyModels.WriteAsync(path, ["--heads", "2", "--kv-heads", "2", .. args]);
        return $$"""
            "{{name}}": {"Source":"{{path}}","Runner":"mlx_lm","Distributed":{ {{distributed}},"Env":{"MLX_DISABLE_COMPILE":"1"} } }
            """;
    }

    /// <summary>Opens a stream, lets something happen in the middle of it, and holds it to a well-formed end.</summary>
    private static async Task<RunningModel> StreamUntilAsync(Gateway gateway, Action<RunningModel> happens)
    {
        using var connection = await gateway.OpenChatAsync("endless", "\"stream\":true,\"max_tokens\":60000");
        await connection.ReadUntilAsync("data: ");
        var runner = (await gateway.RunningAsync()).Single(model => model.Model == "endless");

        happens(runner);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Closed, ending);
        Assert.Contains("\"code\":\"runner_failed\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        await gateway.UntilRunningAsync(all => all.All(model => model.Pid != runner.Pid));
        return runner;
    }

    private static int[] RanksOf(RunningModel runner) => [.. RankProcess.InSession(runner.Pid!.Value).Where(pid => pid != runner.Pid && RankProcess.CommandLine(pid).Contains("--gateway-ranks", StringComparison.Ordinal))];

    private static void AssertNothingIsLeftOf(RunningModel runner)
    {
        Assert.Empty(RankProcess.InSession(runner.Pid!.Value));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Throws<SocketException>(() => socket.Connect("127.0.0.1", runner.Port!.Value));
    }
}
