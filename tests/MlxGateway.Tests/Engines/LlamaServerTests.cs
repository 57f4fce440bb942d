using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>The promises, on the real <c>llama-server</c>.</summary>
public sealed class LlamaServerTests(LlamaGateway fixture) : IClassFixture<LlamaGateway>
{
    private Gateway Gateway => fixture.Gateway;

    [Fact]
    public async Task Chat_TwoModelsAndBack_EachAnswerIsFromTheRightModel()
    {
        foreach (var model in (string[])["tiny-a", "tiny-b", "tiny-a"])
        {
            var answer = await Gateway.ChatAsync(model);

            Assert.Equal(200, answer.Status);
            Assert.Equal($"Hello from {model} .", answer.Content);
            Assert.Equal(model, answer.Json.GetProperty("model").GetString());
            Assert.Single(await Gateway.RunningAsync(), m => m.State == "ready" && m.Model == model);
        }
    }

    [Fact]
    public async Task Chat_Streamed_ComesInPiecesAndEndsWithDone()
    {
        using var connection = await Gateway.OpenChatAsync("tiny-a", "\"stream\":true");

        var text = await connection.ReadUntilAsync("\r\n0\r\n\r\n");

        Assert.Contains("\"content\":\" from\"", text, StringComparison.Ordinal);
        Assert.Contains("data: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_24ParallelRequestsOverTwoModels_AllAreAnsweredByTheRightOne()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            var model = i % 2 == 0 ? "tiny-a" : "tiny-b";
            return (model, answer: await Gateway.ChatAsync(model, i % 4 < 2 ? "" : "\"stream\":true"));
        }));

        Assert.All(answers, a =>
        {
            Assert.Equal(200, a.answer.Status);
            Assert.Contains(a.model, a.answer.Text, StringComparison.Ordinal);
        });
    }

    [Fact]
    public Task Engine_AskedPastTheGateway_WantsASecretThatNobodySees() => RunnerSecrecy.HoldsAsync(Gateway, "tiny-a", "LLAMA_API_KEY");

    [Fact]
    public async Task Restart_WithKeep_AdoptsTheEngineAndItsAnswersGoOn()
    {
        _ = Gateway;
        await using var first = await fixture.StartAsync("\"Residency\":{\"OnExit\":\"Keep\"}");
        Assert.Equal("Hello from tiny-a .", (await first.ChatAsync("tiny-a")).Content);
        var before = Assert.Single(await first.RunningAsync());
        first.Signal("TERM");
        Assert.Equal(0, await first.ExitCodeAsync());

        await using var second = await fixture.StartAfterAsync(first, "\"Residency\":{\"OnExit\":\"Stop\"}");
        var after = Assert.Single(await second.RunningAsync());
        Assert.Equal(("tiny-a", "ready", before.Pid, before.Port), (after.Model, after.State, after.Pid, after.Port));
        Assert.Equal("Hello from tiny-a .", (await second.ChatAsync("tiny-a", "\"temperature\":0")).Content);

        // It makes room like any other.
        Assert.Equal("Hello from tiny-b .", (await second.ChatAsync("tiny-b")).Content);
        await Gateway.GoneAsync(before.Pid!.Value, TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task Chat_ToolCall_PassesThrough()
    {
        var answer = await Gateway.ChatAsync("caller", """
            "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]
            """);

        var call = answer.Json.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function");
        Assert.Equal("get_weather", call.GetProperty("name").GetString());
        Assert.Contains("Paris", call.GetProperty("arguments").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completions_AndEmbeddings_AreServed()
    {
        var completion = await Gateway.PostAsync("/v1/completions", """{"model":"tiny-a","prompt":"x","max_tokens":3}""");
        Assert.Equal(200, completion.Status);

        var vectors = await Gateway.PostAsync("/v1/embeddings", """{"model":"vectors","input":["a","b"]}""");
        Assert.Equal(2, vectors.Json.GetProperty("data").GetArrayLength());
        Assert.True(vectors.Json.GetProperty("data")[0].GetProperty("embedding").GetArrayLength() > 0);
    }

    [Fact]
    public async Task Embeddings_ModelWithout_IsAClearErrorAndNotAServerFault()
    {
        var answer = await Gateway.PostAsync("/v1/embeddings", """{"model":"tiny-a","input":"a"}""");

        Assert.InRange(answer.Status, 400, 404);
        Assert.NotEmpty(answer.Message);
    }

    [Fact]
    public async Task Image_ToAModelThatTakesText_Is400AndSaysWhoCould()
    {
        var answer = await Gateway.PostAsync("/v1/chat/completions", """{"model":"tiny-a","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}]}""");

        Assert.Equal((400, "invalid_request"), (answer.Status, answer.Code));
        Assert.Contains("takes text only", answer.Message, StringComparison.Ordinal);
        Assert.Contains("No model here takes images.", answer.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"stream\":true,")]
    [InlineData("")]
    public async Task Client_Leaves_TheEngineRestsWithin3Seconds(string stream)
    {
        int pid;
        using (var connection = await Gateway.OpenChatAsync("endless", stream + "\"max_tokens\":50000"))
        {
            var running = await Gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "endless", State: "ready", Leases: 1 }));
            pid = running.Single(m => m.Model == "endless").Pid!.Value;
            await EngineProcess.WorksAsync(pid);
        }

        await Gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "endless", Leases: 0 }));
        await EngineProcess.RestsAsync(pid, TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task Runner_KilledMidStream_ErrorFrameAndThenServedAgain()
    {
        using var connection = await Gateway.OpenChatAsync("endless", "\"stream\":true,\"max_tokens\":50000");
        await connection.ReadUntilAsync("data: ");
        var before = (await Gateway.RunningAsync()).Single(m => m.Model == "endless").Pid!.Value;

        EngineProcess.Signal("KILL", before);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Closed, ending);
        Assert.Contains("\"code\":\"runner_failed\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        var again = await Gateway.ChatAsync("endless", "\"max_tokens\":3");
        Assert.Equal(200, again.Status);
        Assert.NotEqual(before, (await Gateway.RunningAsync()).Single(m => m.Model == "endless").Pid);
    }

    [Fact]
    public async Task Swap_BusyStreamInTheWay_EndsItWithinTheDrainTimeoutAndWellFormed()
    {
        _ = TinyModels.LlamaServer;
        await using var gateway = await fixture.StartAsync("\"Residency\":{\"SwapPatience\":\"00:00:00.1\",\"DrainTimeout\":\"00:00:00.5\"}");
        using var connection = await gateway.OpenChatAsync("endless", "\"stream\":true,\"max_tokens\":60000");
        await connection.ReadUntilAsync("data: ");

        // It is read all the while: where an engine is quick, what is not read fills the line, and the goodbye cannot be said.
        var other = gateway.ChatAsync("tiny-a");
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal("Hello from tiny-a .", (await other).Content);
        Assert.Equal(Ending.Closed, ending);
        Assert.Contains("\"code\":\"evicted\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gateway_Killed_LeavesNoEngineAfter5Seconds()
    {
        _ = TinyModels.LlamaServer;
        await using var gateway = await fixture.StartAsync();
        Assert.Equal(200, (await gateway.ChatAsync("tiny-a")).Status);
        var pid = (await gateway.RunningAsync()).Single().Pid!.Value;

        gateway.Signal("KILL");

        await Gateway.GoneAsync(pid, TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Gateway_StoppedWhileAStreamRuns_EndsItWellFormedAndLeavesNothing()
    {
        _ = TinyModels.LlamaServer;
        await using var gateway = await fixture.StartAsync();
        using var connection = await gateway.OpenChatAsync("endless", "\"stream\":true,\"max_tokens\":60000");
        await connection.ReadUntilAsync("data: ");
        var pid = (await gateway.RunningAsync()).Single().Pid!.Value;

        gateway.Signal("TERM");
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Closed, ending);
        Assert.Contains("\"code\":\"shutting_down\"", text, StringComparison.Ordinal);
        Assert.Equal(0, await gateway.ExitCodeAsync());
        Assert.False(Gateway.IsAlive(pid));
    }

    [Fact]
    public async Task Model_Truncated_IsNeverLaunched()
    {
        var answer = await Gateway.ChatAsync("truncated");

        Assert.Equal((404, "model_files_missing"), (answer.Status, answer.Code));
        Assert.Contains("is truncated", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Model_OfADesignThatTheEngineDoesNotKnow_SaysWhatTheEngineSaid()
    {
        var answer = await Gateway.ChatAsync("unknown");

        Assert.Equal((503, "model_launch_failed"), (answer.Status, answer.Code));
        Assert.Contains("exit code 1", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Model_Missing_SaysWhichFile()
    {
        var answer = await Gateway.ChatAsync("missing");

        Assert.Equal((404, "model_files_missing"), (answer.Status, answer.Code));
        Assert.Contains("missing.gguf", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unload_AnswersWhenTheProcessIsGone()
    {
        await Gateway.ChatAsync("tiny-a");
        var pid = (await Gateway.RunningAsync()).Single(m => m.Model == "tiny-a").Pid!.Value;

        var answer = await Gateway.PostAsync("/api/models/unload/tiny-a", "");

        Assert.Equal(200, answer.Status);
        Assert.False(Gateway.IsAlive(pid));
        Assert.Equal(200, (await Gateway.PostAsync("/api/models/unload/tiny-a", "")).Status);
        Assert.Equal(404, (await Gateway.PostAsync("/api/models/unload/nobody", "")).Status);
    }

    // It closes its connection behind a streamed answer in spite of what it promised: of 600 streams a gateway that trusts it loses 7 with one client and 56 with eight, so that the numbers of
    // every run lose it some too. MLXGATEWAY_TESTS_STREAMS=long sends 600 in each case.
    [Theory]
    [InlineData(1, 400)]
    [InlineData(2, 0)]
    [InlineData(4, 0)]
    [InlineData(8, 200)]
    public async Task Streams_HundredsBackToBack_NotOneFails(int clients, int streams)
    {
        var isLong = Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_STREAMS") == "long";
        Assert.SkipWhen(streams == 0 && !isLong, "Only with MLXGATEWAY_TESTS_STREAMS=long.");
        await Gateway.ChatAsync("tiny-a");

        var statuses = await Task.WhenAll(Enumerable.Range(0, clients).Select(async _ =>
        {
            var failed = 0;
            for (var i = 0; i < (isLong ? 600 : streams) / clients; i++)
            {
                var answer = await Gateway.ChatAsync("tiny-a", "\"stream\":true,\"max_tokens\":2");
                failed += answer.Status == 200 && answer.Text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal) ? 0 : 1;
            }

            return failed;
        }));

        Assert.Equal(0, statuses.Sum());
    }
}
