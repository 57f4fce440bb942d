using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>What every MLX engine is held to.</summary>
internal static class MlxScenarios
{
    /// <summary>Members of a request that offers a tool.</summary>
    public const string Tools = """
        "tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]
        """;

    /// <summary>A model that answers, whole and streamed.</summary>
    public static async Task AnswersAsync(Gateway gateway, string model)
    {
        var whole = await gateway.ChatAsync(model);
        Assert.True(whole.Status == 200, whole.Text);
        Assert.Equal("Hello from tiny-a .", whole.Content);
        Assert.Equal("stop", whole.Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(model, whole.Json.GetProperty("model").GetString());

        var streamed = await gateway.ChatAsync(model, "\"stream\":true,\"stream_options\":{\"include_usage\":true}");
        Assert.Equal("text/event-stream", streamed.Header("Content-Type")?.Split(';')[0]);
        Assert.Contains("\"content\": \" from\"", streamed.Text.Replace("\":\"", "\": \"", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("\"completion_tokens\"", streamed.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("default_model", streamed.Text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", streamed.Text, StringComparison.Ordinal);
    }

    /// <summary>The counts of a stream: in an event of their own, the last, if they were asked for; in the log in any case.</summary>
    public static async Task CountsAsync(Gateway gateway, string model)
    {
        foreach (var options in new[] { "", ",\"stream_options\":{\"include_usage\":false}", ",\"stream_options\":{\"include_usage\":true}" })
        {
            var id = $"counts-{Guid.NewGuid():n}";
            var answer = await gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody(model, "\"stream\":true" + options), ("x-request-id", id));
            Assert.True(answer.Status == 200, answer.Text);
            var events = answer.Text.Split('\n').Where(static l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(static l => JsonDocument.Parse(l[6..]).RootElement).ToList();
            var counts = events.Where(static e => e.GetProperty("choices").GetArrayLength() == 0).ToList();

            Assert.Equal(options.Contains("true", StringComparison.Ordinal) ? 1 : 0, counts.Count);
            Assert.All(counts, e => Assert.Equal(("chat.completion.chunk", 4), (e.GetProperty("object").GetString(), Math.Min(e.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), 4))));
            Assert.Matches(@"tokens \d+ in \(\S+ cached\) at \S+ a second, \d+ out at [\d.]+ a second, finish stop,", await gateway.UntilWrittenAsync($"{id} /v1/chat/completions"));
        }
    }

    /// <summary>A call of a tool, whole and streamed.</summary>
    public static async Task CallsAsync(Gateway gateway, string model)
    {
        var whole = await gateway.ChatAsync(model, Tools);
        Assert.True(whole.Status == 200, whole.Text);
        var call = whole.Json.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function");
        Assert.Equal("get_weather", call.GetProperty("name").GetString());
        Assert.Contains("Paris", call.GetProperty("arguments").GetString(), StringComparison.Ordinal);

        var streamed = await gateway.ChatAsync(model, Tools + ",\"stream\":true");
        Assert.Contains("get_weather", streamed.Text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", streamed.Text, StringComparison.Ordinal);
    }

    /// <summary>A call that the engine leaves in the text, whole and streamed.</summary>
    public static async Task CallsInTheTextAsync(Gateway gateway, string model)
    {
        await CallsAsync(gateway, model);
        var whole = (await gateway.ChatAsync(model, Tools)).Json.GetProperty("choices")[0];
        Assert.Equal("tool_calls", whole.GetProperty("finish_reason").GetString());
        Assert.Equal("", whole.GetProperty("message").GetProperty("content").GetString() ?? "");

        var streamed = (await gateway.ChatAsync(model, Tools + ",\"stream\":true")).Text.Replace("\": \"", "\":\"", StringComparison.Ordinal);
        Assert.Contains("\"finish_reason\":\"tool_calls\"", streamed, StringComparison.Ordinal);
        Assert.DoesNotContain("tool_code", streamed, StringComparison.Ordinal);
        Assert.DoesNotContain("<tool_call>", streamed, StringComparison.Ordinal);

        // Without tools it is what the model says, and nothing else.
        Assert.Matches("tool_call|tool_code", (await gateway.ChatAsync(model)).Content);
    }

    /// <summary>Thoughts beside what is said.</summary>
    public static async Task ThinksAsync(Gateway gateway, string model)
    {
        var answer = await gateway.ChatAsync(model);
        Assert.True(answer.Status == 200, answer.Text);
        var message = answer.Json.GetProperty("choices")[0].GetProperty("message");
        Assert.Contains("let me see", message.GetProperty("reasoning").GetString(), StringComparison.Ordinal);
        Assert.Equal("Done .", message.GetProperty("content").GetString()!.Trim());
    }

    /// <summary>A client that leaves is noticed.</summary>
    public static async Task RestsAfterAClientLeftAsync(Gateway gateway, string model, string members)
    {
        int pid;
        using (await gateway.OpenChatAsync(model, members + "\"max_tokens\":50000"))
        {
            var running = await gateway.UntilRunningAsync(r => r.Any(m => m.Model == model && m is { State: "ready", Leases: 1 }));
            pid = running.Single(m => m.Model == model).Pid!.Value;
            await EngineProcess.WorksAsync(pid);
        }

        await gateway.UntilRunningAsync(r => r.Any(m => m.Model == model && m.Leases == 0));
        await EngineProcess.RestsAsync(pid, TimeSpan.FromSeconds(3));
    }

    /// <summary>An engine that dies in the middle of a stream is an error there, and another one serves the next request.</summary>
    public static async Task SurvivesAKilledRunnerAsync(Gateway gateway, string model)
    {
        using var connection = await gateway.OpenChatAsync(model, "\"stream\":true,\"max_tokens\":50000");
        await connection.ReadUntilAsync("data: ");
        var before = (await gateway.RunningAsync()).Single(m => m.Model == model).Pid!.Value;

        EngineProcess.Signal("KILL", before);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Closed, ending);
        Assert.Contains("\"code\":\"runner_failed\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);

        // The dying process may still take a connection and drop it; whether that request killed it cannot be told, so it would be a 502.
        await gateway.UntilRunningAsync(r => r.All(m => m.Pid != before));
        var again = await gateway.ChatAsync(model, "\"max_tokens\":3");
        Assert.True(again.Status == 200, again.Text);
        Assert.NotEqual(before, (await gateway.RunningAsync()).Single(m => m.Model == model).Pid);
    }

    /// <summary>A gateway that is killed takes the engine with it, even one that serves.</summary>
    public static async Task LeavesNothingAsync(Gateway gateway, string model)
    {
        using var connection = await gateway.OpenChatAsync(model, "\"stream\":true,\"max_tokens\":50000");
        await connection.ReadUntilAsync("data: ");
        var pid = (await gateway.RunningAsync()).Single(m => m.Model == model).Pid!.Value;

        gateway.Signal("KILL");

        await Gateway.GoneAsync(pid, TimeSpan.FromSeconds(8));
    }

    /// <summary>A model that cannot be loaded says why, in the engine's words.</summary>
    public static async Task SaysWhyItCannotLoadAsync(Gateway gateway, string model, string words)
    {
        var answer = await gateway.ChatAsync(model);

        Assert.Equal((503, "model_launch_failed"), (answer.Status, answer.Code));
        Assert.Contains(words, answer.Message, StringComparison.Ordinal);
    }

    /// <summary>A model with a file that is cut off is never launched, and the answer says which file and by how much.</summary>
    public static async Task SaysWhatIsCutOffAsync(Gateway gateway, string model)
    {
        var answer = await gateway.ChatAsync(model);

        Assert.Equal((404, "model_files_missing"), (answer.Status, answer.Code));
        Assert.Contains("-00003-of-00003.safetensors is truncated", answer.Message, StringComparison.Ordinal);
    }

    /// <summary>A model that is not there says where it was looked for.</summary>
    public static async Task SaysWhatIsMissingAsync(Gateway gateway, string model)
    {
        var answer = await gateway.ChatAsync(model);

        Assert.Equal((404, "model_files_missing"), (answer.Status, answer.Code));
        Assert.Contains("missing", answer.Message, StringComparison.Ordinal);
    }

    /// <summary>A stream in the way of another model ends well-formed, and its engine ends at once although it waits for its clients.</summary>
    public static async Task GivesWayAsync(Gateway gateway, string busy, string other)
    {
        using var connection = await gateway.OpenChatAsync(busy, "\"stream\":true,\"max_tokens\":60000");
        await connection.ReadUntilAsync("data: ");

        // It is read all the while: what is not read fills the line, and the goodbye cannot be said.
        var asking = gateway.ChatAsync(other);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal("Hello from tiny-a .", (await asking).Content);
        Assert.Equal(Ending.Closed, ending);
        Assert.Contains("\"code\":\"evicted\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
    }
}
