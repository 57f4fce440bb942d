using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>The promises, on the real <c>mlx_lm.server</c> in two versions.</summary>
public sealed class MlxLmTests(MlxGateways gateways) : IClassFixture<MlxGateways>
{
    public static TheoryData<string> Pythons => MlxGateways.Pythons;

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Chat_ColdThenWarm_AnswersWholeAndStreamed(string python) => await MlxScenarios.AnswersAsync(await gateways.OverAsync(python), "tiny-a");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Chat_12ParallelRequestsOverTwoEngines_AllAreAnsweredByTheRightOne(string python)
    {
        var gateway = await gateways.OverAsync(python);
        _ = TinyModels.LlamaServer;
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(async i =>
        {
            var model = i % 3 == 0 ? "llama" : "tiny-a";
            return (model, answer: await gateway.ChatAsync(model, i % 2 == 0 ? "" : "\"stream\":true"));
        }));

        Assert.All(answers, a =>
        {
            Assert.True(a.answer.Status == 200, a.answer.Text);
            Assert.Contains($" {a.model}", a.answer.Text, StringComparison.Ordinal);
        });
    }

    // A process that waited for its model was told over its standard input, so its variables are not looked at.
    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Engine_AskedPastTheGateway_WantsASecretThatNobodySees(string python) => await RunnerSecrecy.HoldsAsync(await gateways.OverAsync(python), "tiny-a", null);

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Completions_AreServed(string python)
    {
        var answer = await (await gateways.OverAsync(python)).PostAsync("/v1/completions", """{"model":"tiny-a","prompt":"x","max_tokens":3}""");

        Assert.True(answer.Status == 200, answer.Text);
        Assert.Equal(3, answer.Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Chat_Streamed_HasTheCountsIfTheyWereAskedFor(string python) => await MlxScenarios.CountsAsync(await gateways.OverAsync(python), "tiny-a");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Chat_ToolCall_PassesThrough(string python) => await MlxScenarios.CallsAsync(await gateways.OverAsync(python), "caller");

    // Its template names the form in words that no engine knows it by, or none at all.
    [Theory]
    [MemberData(nameof(MlxGateways.Pythons), MemberType = typeof(MlxGateways))]
    public async Task Chat_ToolCallThatTheEngineLeavesInTheText_IsRead(string python)
    {
        await MlxScenarios.CallsInTheTextAsync(await gateways.OverAsync(python), "unread");
        await MlxScenarios.CallsInTheTextAsync(await gateways.OverAsync(python), "coder");
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Chat_ModelThatThinks_ThoughtsStandApart(string python) => await MlxScenarios.ThinksAsync(await gateways.OverAsync(python), "thinker");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Client_LeavesAStream_TheEngineRestsWithin3Seconds(string python) =>
        await MlxScenarios.RestsAfterAClientLeftAsync(await gateways.OverAsync(python), "endless", "\"stream\":true,");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Client_LeavesBeforeItsWholeAnswer_TheEngineRestsWithin3Seconds(string python) =>
        await MlxScenarios.RestsAfterAClientLeftAsync(await gateways.OverAsync(python), "endless", "");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Runner_KilledMidStream_ErrorFrameAndThenServedAgain(string python) => await MlxScenarios.SurvivesAKilledRunnerAsync(await gateways.OverAsync(python), "endless");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Swap_ThereAndBackAndWithABusyStreamInTheWay_OneIsThereAndAKilledGatewayLeavesNone(string python)
    {
        await using var gateway = await gateways.StartNarrowAsync(python);
        _ = TinyModels.LlamaServer;
        foreach (var model in (string[])["tiny-a", "llama", "tiny-a"])
        {
            var answer = await gateway.ChatAsync(model);

            Assert.True(answer.Status == 200, answer.Text);
            Assert.Equal($"Hello from {model} .", answer.Content);
            Assert.Equal(model, Assert.Single(await gateway.RunningAsync()).Model);
        }

        await MlxScenarios.GivesWayAsync(gateway, "endless", "tiny-a");
        await MlxScenarios.LeavesNothingAsync(gateway, "endless");
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Model_TruncatedShard_IsNeverLaunched(string python) => await MlxScenarios.SaysWhatIsCutOffAsync(await gateways.OverAsync(python), "truncated");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Model_FilesDoNotBelongTogether_SaysWhatTheEngineSaid(string python) => await MlxScenarios.SaysWhyItCannotLoadAsync(await gateways.OverAsync(python), "unlike", "parameters");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Model_Missing_SaysWhere(string python) => await MlxScenarios.SaysWhatIsMissingAsync(await gateways.OverAsync(python), "missing");

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Engine_StartedAndAskedForAnUnknownDraft_NeverCallsTheHub(string python)
    {
        var gateway = await gateways.OverAsync(python);
        _ = await gateway.PostAsync("/api/models/unload/tiny-a", "");
        Assert.Equal(200, (await gateway.ChatAsync("tiny-a")).Status);

        // It would fetch this from the hub if it might; what it makes of it otherwise is its own affair.
        _ = await gateway.ChatAsync("tiny-a", "\"draft_model\":\"nobody/nothing\"");

        Assert.Equal(0, gateways.Hub.Connections);
        Assert.Equal(200, (await gateway.ChatAsync("tiny-a")).Status);
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Chat_StopThatIsNoText_IsRefusedAndTheEngineLives(string python)
    {
        var gateway = await gateways.OverAsync(python);
        Assert.Equal(200, (await gateway.ChatAsync("tiny-a")).Status);
        var before = (await gateway.RunningAsync()).Single(m => m.Model == "tiny-a").Pid;

        var answer = await gateway.ChatAsync("tiny-a", "\"stop\":[1]");

        Assert.Equal(400, answer.Status);
        Assert.Equal(200, (await gateway.ChatAsync("tiny-a")).Status);
        Assert.Equal(before, (await gateway.RunningAsync()).Single(m => m.Model == "tiny-a").Pid);
    }
}
