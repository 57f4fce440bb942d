using MlxGateway.Supervision.Tests.Residency.Worth;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>What the scheduling policy is worth where a load is a real process: agents on two models, the real <c>llama-server</c>, room for one.</summary>
public sealed class SwapWorthTests : IDisposable
{
    private const int Turns = 10;

    // Twenty times as fast as the trace. A tiny model starts in no time, so it is made to take a second at least: 20 s of the trace.
    private const double Pace = 0.05;
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-models-");

    [Fact]
    public async Task TwoAgents_OnTwoModels_LaunchFarFewerThanFirstComeFirstServed()
    {
        var engine = TinyModels.LlamaServer;
        Assert.SkipUnless(TinyModels.CanServeGguf, "Needs the generator of tiny models: set MLXGATEWAY_TEST_TINY_MODEL to its path.");
        var trace = Shortened(Trace.Read("two-agents")[0]);
        var load = TimeSpan.FromSeconds(1);
        var theirs = new FirstComeLru(trace, load).Play().Loads;
        var models = trace.Requests.Select(r => r.Model).Distinct().ToList();
        foreach (var model in models)
        {
            await TinyModels.WriteAsync(PathOf(model));
        }

        await using var gateway = await Gateway.StartAsync(
            string.Join(',', models.Select(m => $$"""
                "{{m}}": {"Runner":"command","Memory":"500MB","ReadyPath":"/health",
                          "Command":["sh","-c","sleep {{load.TotalSeconds}}; exec \"$0\" \"$@\"","{{engine}}","--model","{{PathOf(m)}}","--host","127.0.0.1","--port","{port}","--parallel","1"]}
                """)),
            "\"Residency\":{\"MaxResident\":1}");
        await Task.WhenAll(trace.Requests.GroupBy(r => r.Client).Select(agent => PlayAsync(gateway, agent)));

        var launches = (await gateway.GetAsync("/api/explain")).Json.GetProperty("decisions").EnumerateArray().Count(d => d.GetProperty("kind").GetString() == "launched");
        TestContext.Current.TestOutputHelper!.WriteLine($"{launches} launches for {trace.Requests.Count} requests; first come, first served: {theirs}");
        Assert.Equal(2 * Turns, theirs);
        Assert.InRange(launches, 2, 2 * theirs / 3);
    }

    /// <inheritdoc/>
    public void Dispose() => _models.Delete(recursive: true);

    private static Trace Shortened(Trace trace) => trace with
    {
        Requests = [.. trace.Requests.GroupBy(r => r.Client).SelectMany(agent => agent.Take(Turns)).Select(r => r with { Delay = Pace * r.Delay, Service = Pace * r.Service })],
    };

    private static async Task PlayAsync(Gateway gateway, IEnumerable<TraceRequest> agent)
    {
        foreach (var request in agent)
        {
            await Task.Delay(request.Delay, Demo.Patience()); // the agent works: this is the trace, and nothing is waited for
            var answer = await gateway.ChatAsync(request.Model);

            Assert.Equal(200, answer.Status);
            Assert.Equal($"Hello from {request.Model} .", answer.Content);
        }
    }

    private string PathOf(string model) => Path.Combine(_models.FullName, $"{model}.gguf");
}
