using System.Net;
using System.Net.WebSockets;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>The promises, on the real <c>mlx_vlm.server</c>.</summary>
public sealed class MlxVlmTests(MlxGateways gateways) : IClassFixture<MlxGateways>
{
    private const string Python = "MLXGATEWAY_TEST_MLX_PYTHON";

    [Fact]
    public async Task Chat_ColdThenWarm_AnswersWholeAndStreamed() => await MlxScenarios.AnswersAsync(await GatewayAsync(), "eyes/tiny-a");

    [Fact]
    public async Task Engine_AskedPastTheGateway_WantsASecretThatNobodySees() => await RunnerSecrecy.HoldsAsync(await GatewayAsync(), "eyes/tiny-a", "MLX_VLM_SERVER_API_KEY");

    // By itself it lets every page read its answers, and tells what it serves to whoever asks.
    [Fact]
    public async Task Engine_AskedByAPageOrWithoutTheSecret_TellsNothingAtAll()
    {
        var gateway = await GatewayAsync();
        Assert.Equal(200, (await gateway.ChatAsync("eyes/tiny-a")).Status);
        var runner = Assert.Single(await gateway.RunningAsync(), static m => m.Model == "eyes/tiny-a");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux shows the secret to a test.");
        const string Variable = "MLX_VLM_SERVER_API_KEY=";
        var secret = (await File.ReadAllTextAsync($"/proc/{runner.Pid}/environ", Demo.Patience())).Split('\0').Single(static v => v.StartsWith(Variable, StringComparison.Ordinal))[Variable.Length..];
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{runner.Port}") };
        foreach (var (method, path) in new[] { (HttpMethod.Get, "/v1/models"), (HttpMethod.Get, "/health"), (HttpMethod.Get, "/openapi.json"), (HttpMethod.Get, "/nowhere"), (HttpMethod.Options, "/v1/chat/completions") })
        {
            Assert.Equal(401, await AskAsync(method, path));
            Assert.Equal(401, await AskAsync(method, path, ("Authorization", $"Bearer {secret}x")));
            foreach (var page in new[] { ("Origin", "https://evil.example"), ("Origin", "null"), ("Origin", "http://127.0.0.1:8080"), ("Sec-Fetch-Site", "cross-site") })
            {
                Assert.Equal(401, await AskAsync(method, path, page, ("Access-Control-Request-Method", "POST")));
                Assert.Equal(403, await AskAsync(method, path, page, ("Access-Control-Request-Method", "POST"), ("Authorization", $"Bearer {secret}")));
            }
        }

        Assert.Equal(200, await AskAsync(HttpMethod.Get, "/v1/models", ("Authorization", $"Bearer {secret}")));
        Assert.Equal(HttpStatusCode.Forbidden, await OpenAsync(secret, "https://evil.example"));
        Assert.Equal(HttpStatusCode.Forbidden, await OpenAsync("other", null));
        Assert.Equal(HttpStatusCode.SwitchingProtocols, await OpenAsync(secret, null));

        async Task<int> AskAsync(HttpMethod method, string path, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(method, path);
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var response = await client.SendAsync(request, Demo.Patience());
            Assert.DoesNotContain(response.Headers, static h => h.Key.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
            return (int)response.StatusCode;
        }

        async Task<HttpStatusCode> OpenAsync(string key, string? origin)
        {
            using var socket = new ClientWebSocket();
            socket.Options.CollectHttpResponseDetails = true;
            socket.Options.SetRequestHeader("Authorization", $"Bearer {key}");
            if (origin is not null)
            {
                socket.Options.SetRequestHeader("Origin", origin);
            }

            try
            {
                await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{runner.Port}/v1/realtime"), Demo.Patience());
            }
            catch (WebSocketException)
            {
                // It says why by its status.
            }

            return socket.HttpStatusCode;
        }
    }

    [Fact]
    public async Task Chat_8ParallelRequests_AllAreAnswered()
    {
        var gateway = await GatewayAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => gateway.ChatAsync("eyes/tiny-a", i % 2 == 0 ? "" : "\"stream\":true")));

        Assert.All(answers, a => Assert.True(a.Status == 200 && a.Text.Contains(" tiny-a", StringComparison.Ordinal), a.Text));
    }

    [Fact]
    public async Task Chat_Streamed_HasTheCountsIfTheyWereAskedFor() => await MlxScenarios.CountsAsync(await GatewayAsync(), "eyes/tiny-a");

    [Fact]
    public async Task Chat_ToolCall_PassesThrough() => await MlxScenarios.CallsAsync(await GatewayAsync(), "eyes/caller");

    [Fact]
    public async Task Chat_ToolCallThatTheEngineLeavesInTheText_IsRead()
    {
        await MlxScenarios.CallsInTheTextAsync(await GatewayAsync(), "eyes/unread");
        await MlxScenarios.CallsInTheTextAsync(await GatewayAsync(), "eyes/coder");
    }

    [Fact]
    public async Task Chat_ModelThatThinks_ThoughtsStandApart() => await MlxScenarios.ThinksAsync(await GatewayAsync(), "eyes/thinker");

    [Fact]
    public async Task Client_LeavesAStream_TheEngineRestsWithin3Seconds() => await MlxScenarios.RestsAfterAClientLeftAsync(await GatewayAsync(), "eyes/endless", "\"stream\":true,");

    [Fact]
    public async Task Runner_KilledMidStream_ErrorFrameAndThenServedAgain() => await MlxScenarios.SurvivesAKilledRunnerAsync(await GatewayAsync(), "eyes/endless");

    // The engine itself would generate to the end: it is asked for a stream, and the answer is put together.
    [Fact]
    public async Task Client_LeavesBeforeItsWholeAnswer_TheEngineRestsWithin3Seconds() => await MlxScenarios.RestsAfterAClientLeftAsync(await GatewayAsync(), "eyes/endless", "");

    [Fact]
    public async Task Swap_OtherEngineAndBackAndWithABusyStreamInTheWay_OneIsThereAndAKilledGatewayLeavesNone()
    {
        await using var gateway = await gateways.StartNarrowAsync(Python);
        foreach (var model in (string[])["eyes/tiny-a", "tiny-a"])
        {
            Assert.Equal("Hello from tiny-a .", (await gateway.ChatAsync(model)).Content);
            Assert.Equal([model], (await gateway.RunningAsync()).Where(m => m.State == "ready").Select(m => m.Model)); // the other may still be leaving: there is room for both
        }

        await MlxScenarios.GivesWayAsync(gateway, "eyes/endless", "eyes/tiny-a");
        await MlxScenarios.LeavesNothingAsync(gateway, "eyes/endless");
    }

    [Fact]
    public async Task Model_TruncatedShard_IsNeverLaunched() => await MlxScenarios.SaysWhatIsCutOffAsync(await GatewayAsync(), "eyes/truncated");

    [Fact]
    public async Task Model_FilesDoNotBelongTogether_SaysWhatTheEngineSaid() => await MlxScenarios.SaysWhyItCannotLoadAsync(await GatewayAsync(), "eyes/unlike", "exit code 3");

    [Fact]
    public async Task Model_Missing_SaysWhere() => await MlxScenarios.SaysWhatIsMissingAsync(await GatewayAsync(), "eyes/missing");

    [Fact]
    public async Task Engine_StartedAndAskedForAModelThatIsNotOnTheDisk_NeverCallsTheHub()
    {
        var answer = await (await GatewayAsync()).ChatAsync("eyes/estranged");

        Assert.InRange(answer.Status, 400, 599);
        Assert.Equal(0, gateways.Hub.Connections);
    }

    private Task<Gateway> GatewayAsync() => gateways.OverAsync(Python);
}
