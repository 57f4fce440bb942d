using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Embeddings;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What the official OpenAI client makes of everything that can go wrong, over a runner that misbehaves on purpose. It repeats nothing unless the test is about that.</summary>
public sealed class OpenAiClientFaultTests(OpenAiClientFaultTests.Faults shared) : IClassFixture<OpenAiClientFaultTests.Faults>
{
    private static readonly ChatMessage[] Hello = [new UserChatMessage("Hello")];

    [Theory]
    [InlineData("steady", """{"stream":"yes"}""", 400, "invalid_request", "The field 'stream' must be true or false.")]
    [InlineData("steady", """{"demo":{"no_such_switch":1}}""", 400, "", "no_such_switch")] // the runner's own word
    [InlineData("nobody", "{}", 404, "model_not_found", "The model 'nobody' is not known here.")]
    [InlineData("huge", "{}", 400, "insufficient_memory", "huge")]
    [InlineData("broken", "{}", 503, "model_launch_failed", "broken")]
    [InlineData("steady", """{"demo":{"reset_after":0}}""", 502, "runner_failed", "steady")]
    [InlineData("mortal", """{"demo":{"die_after":0}}""", 502, "runner_failed", "SIGKILL")]
    [InlineData("steady", """{"demo":{"status":500}}""", 502, "runner_failed", "answered with status 500")] // the gateway itself is well
    public async Task Failure_BeforeTheAnswer_IsAClientResultExceptionWithStatusCodeAndSentence(string model, string members, int status, string code, string sentence)
    {
        var whole = await Assert.ThrowsAsync<ClientResultException>(() => Chat(model).CompleteChatAsync(Hello, With(members), Demo.Patience()));
        Assert.Equal(status, whole.Status);
        Assert.Contains(code, whole.Message, StringComparison.Ordinal);
        Assert.Contains(sentence, whole.Message, StringComparison.Ordinal);

        // As a stream it is the same, because nothing of it has been sent yet.
        if (!members.Contains("\"stream\"", StringComparison.Ordinal) && code != "runner_failed")
        {
            var streamed = await Assert.ThrowsAsync<ClientResultException>(() => ReadAsync(Chat(model), members));
            Assert.Equal(status, streamed.Status);
        }
    }

    [Fact]
    public async Task Model_StillLoading_Is503WithTheTimeToComeBack()
    {
        await using var gateway = await Gateway.StartAsync("\"slow\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Args\":[\"--load-time\",\"600\"]}", "\"Limits\":{\"NonStreamWait\":\"00:00:00.3\"}");

        var refused = await Assert.ThrowsAsync<ClientResultException>(() => Client(0, gateway).GetChatClient("slow").CompleteChatAsync(Hello, cancellationToken: Demo.Patience()));

        Assert.Equal(503, refused.Status);
        Assert.Contains("model_loading", refused.Message, StringComparison.Ordinal);
        Assert.True(RetryAfter(refused) > 0);
    }

    [Fact]
    public async Task Body_TooLarge_Is413()
    {
        var refused = await Assert.ThrowsAsync<ClientResultException>(() => Chat("steady").CompleteChatAsync([new UserChatMessage(new string('x', 2 << 20))], cancellationToken: Demo.Patience()));

        Assert.Equal(413, refused.Status);
        Assert.Contains("request_too_large", refused.Message, StringComparison.Ordinal);
        Assert.Contains("RequestBody", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"demo":{"cut_after":3}}""")]
    [InlineData("""{"demo":{"reset_after":3}}""")]
    [InlineData("""{"demo":{"cut_after":3,"close_delimited":true}}""")]
    public async Task Stream_ThatBreaksOff_IsAnExceptionBehindItsPiecesAndNoCleanEnd(string members)
    {
        var pieces = new List<string>();

        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(Chat("steady"), members, pieces));

        Assert.NotEmpty(pieces);
    }

    [Fact]
    public async Task Stream_WhoseRunnerDies_IsAnExceptionAndTheNextRequestIsServed()
    {
        await Assert.ThrowsAnyAsync<Exception>(() => ReadAsync(Chat("mortal"), """{"demo":{"die_after":2,"tokens":9}}"""));

        Assert.Equal(ChatFinishReason.Stop, (await Chat("mortal").CompleteChatAsync(Hello, cancellationToken: Demo.Patience())).Value.FinishReason);
    }

    [Fact]
    public async Task Stream_WithCounts_SaysThemOnce()
    {
        var counts = new List<ChatTokenUsage>();
        var reasons = new List<ChatFinishReason>();
        await foreach (var update in Chat("steady").CompleteChatStreamingAsync(Hello, new ChatCompletionOptions(), Demo.Patience()))
        {
            counts.AddRange(update.Usage is { } usage ? [usage] : []);
            reasons.AddRange(update.FinishReason is { } reason ? [reason] : []);
        }

        Assert.True(Assert.Single(counts) is { OutputTokenCount: > 0, InputTokenCount: > 0 });
        Assert.Equal(ChatFinishReason.Stop, Assert.Single(reasons));
    }

    [Fact]
    public async Task Tools_WholeAndStreamed_AreCalledWithAnId()
    {
        var options = With("""{"demo":{"tool_call":true}}""");
        options.Tools.Add(ChatTool.CreateFunctionTool("get_weather", "weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}""")));
        var whole = Assert.Single((await Chat("steady").CompleteChatAsync(Hello, options, Demo.Patience())).Value.ToolCalls);

        var (ids, names, arguments) = (new List<string>(), new List<string>(), new StringBuilder());
        await foreach (var update in Chat("steady").CompleteChatStreamingAsync(Hello, options, Demo.Patience()))
        {
            foreach (var call in update.ToolCallUpdates)
            {
                ids.AddRange(call.ToolCallId is { Length: > 0 } id ? [id] : []);
                names.AddRange(call.FunctionName is { Length: > 0 } name ? [name] : []);
                arguments.Append(call.FunctionArgumentsUpdate);
            }
        }

        Assert.Equal("get_weather", whole.FunctionName);
        Assert.NotEmpty(whole.Id);
        Assert.Equal("get_weather", Assert.Single(names));
        Assert.Single(ids.Distinct());
        using var parsed = JsonDocument.Parse(arguments.ToString());
        Assert.Equal(JsonValueKind.Object, parsed.RootElement.ValueKind);
    }

    // The client asks for base64; a program that asks for numbers must get those.
    [Fact]
    public async Task Embeddings_InBothEncodings_AreTheSameNumbers()
    {
        var client = Client(retries: 0).GetEmbeddingClient("steady");

        var asBase64 = (await client.GenerateEmbeddingsAsync(["one", "two"], new EmbeddingGenerationOptions(), Demo.Patience())).Value;
        using var body = BinaryContent.Create(BinaryData.FromString("""{"model":"steady","input":["one","two"],"encoding_format":"float"}"""));
        var raw = await client.GenerateEmbeddingsAsync(body, new RequestOptions { CancellationToken = Demo.Patience() });

        using var asNumbers = JsonDocument.Parse(raw.GetRawResponse().Content);
        var numbers = asNumbers.RootElement.GetProperty("data").EnumerateArray().Select(e => e.GetProperty("embedding").EnumerateArray().Select(n => n.GetSingle()).ToArray()).ToArray();
        Assert.Equal(2, asBase64.Count);
        Assert.NotEqual(asBase64[0].ToFloats().ToArray(), asBase64[1].ToFloats().ToArray());
        Assert.Equal(numbers[0], asBase64[0].ToFloats().ToArray());
        Assert.Equal(numbers[1], asBase64[1].ToFloats().ToArray());
    }

    [Fact]
    public async Task Cancel_StreamedAndWhole_EndsTheGeneration()
    {
        using var leaving = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in Chat("quiet").CompleteChatStreamingAsync(Hello, With("""{"demo":{"endless":true,"token_delay":0.01}}"""), leaving.Token))
            {
                if (update.ContentUpdate.Count > 0)
                {
                    await leaving.CancelAsync();
                }
            }
        });
        await shared.Gateway.UntilRunningAsync(all => all.Any(m => m is { Model: "quiet", Leases: 0 }));

        using var leavingToo = new CancellationTokenSource();
        var whole = Chat("quiet").CompleteChatAsync(Hello, With("""{"demo":{"prefill":600}}"""), leavingToo.Token);
        await shared.Gateway.UntilRunningAsync(all => all.Any(m => m is { Model: "quiet", Leases: 1 }));
        await leavingToo.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => whole);
        await shared.Gateway.UntilRunningAsync(all => all.Any(m => m is { Model: "quiet", Leases: 0 }));
    }

    // One place in the line, and it is taken: whoever comes then is told to come back. As delivered, the client does.
    [Fact]
    public async Task Queue_IsFull_Is429AndARetryIsServed()
    {
        await using var gateway = await Gateway.StartAsync(
            """
            "one": {"Runner":"demo","Memory":"100MB","MaxConcurrency":1}
            """,
            "\"Residency\":{\"QueueLimit\":1}");
        await gateway.ChatAsync("one");
        var (once, asDelivered) = (Client(0, gateway).GetChatClient("one"), Client(3, gateway).GetChatClient("one"));
        using var running = await gateway.OpenChatAsync("one", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.01}");
        await running.ReadUntilAsync("data: ");
        var waiting = once.CompleteChatAsync(Hello, cancellationToken: Demo.Patience());
        await gateway.UntilRunningAsync(all => all.Any(m => m.Waiting == 1));

        var refused = await Assert.ThrowsAsync<ClientResultException>(() => once.CompleteChatAsync(Hello, cancellationToken: Demo.Patience()));
        Assert.Equal(429, refused.Status);
        Assert.Contains("queue_full", refused.Message, StringComparison.Ordinal);
        Assert.True(RetryAfter(refused) > 0);

        var retried = asDelivered.CompleteChatAsync(Hello, cancellationToken: Demo.Patience());
        running.Dispose();
        Assert.Equal(ChatFinishReason.Stop, (await retried).Value.FinishReason);
        Assert.Equal(ChatFinishReason.Stop, (await waiting).Value.FinishReason);
    }

    [Fact]
    public async Task Runner_DiesBeforeTheFirstByte_TheClientAsDeliveredGetsAnAnswerFromTheNext()
    {
        shared.Gate.Open();
        await Chat("frail").CompleteChatAsync(Hello, cancellationToken: Demo.Patience());
        await shared.Gateway.UntilRunningAsync(all => all.Any(m => m is { Model: "frail", Leases: 0 })); // the first lease comes back a moment after its answer
        var pid = (await shared.Gateway.RunningAsync()).Single(m => m.Model == "frail").Pid!.Value;
        shared.Gate.Close();
        var asking = Client(retries: 3).GetChatClient("frail").CompleteChatAsync(Hello, cancellationToken: Demo.Patience());
        await shared.Gateway.UntilRunningAsync(all => all.Any(m => m is { Model: "frail", Leases: 1 }));
        using (var runner = System.Diagnostics.Process.GetProcessById(pid))
        {
            runner.Kill();
        }

        shared.Gate.Open();
        Assert.Equal(ChatFinishReason.Stop, (await asking).Value.FinishReason);
        Assert.NotEqual(pid, (await shared.Gateway.RunningAsync()).Single(m => m.Model == "frail").Pid);
    }

    private static int RetryAfter(ClientResultException refused) =>
        refused.GetRawResponse()!.Headers.TryGetValue("Retry-After", out var seconds) ? int.Parse(seconds!, CultureInfo.InvariantCulture) : 0;

    private static ChatCompletionOptions With(string members)
    {
        var options = new ChatCompletionOptions();
        using var document = JsonDocument.Parse(members);
        foreach (var member in document.RootElement.EnumerateObject())
        {
#pragma warning disable SCME0001 // The client's own way to send a field that OpenAI does not have.
            options.Patch.Set(Encoding.UTF8.GetBytes($"$.{member.Name}"), BinaryData.FromString(member.Value.GetRawText()));
#pragma warning restore SCME0001
        }

        return options;
    }

    private static async Task ReadAsync(ChatClient client, string members, List<string>? pieces = null)
    {
        await foreach (var update in client.CompleteChatStreamingAsync(Hello, With(members), Demo.Patience()))
        {
            pieces?.AddRange(update.ContentUpdate.Select(c => c.Text));
        }
    }

    private static OpenAIClient Client(int retries, Gateway gateway) =>
        new(new ApiKeyCredential("not-needed"), new OpenAIClientOptions { Endpoint = new Uri(gateway.Address, "/v1"), RetryPolicy = new ClientRetryPolicy(retries) });

    private OpenAIClient Client(int retries) => Client(retries, shared.Gateway);

    private ChatClient Chat(string model) => Client(retries: 0).GetChatClient(model);

    /// <summary>A gateway whose models fail in all the ways there are.</summary>
    public sealed class Faults : IAsyncLifetime
    {
        /// <summary>The gateway. It holds the status of streams back for as long as any failure may take, so that each has its own.</summary>
        public Gateway Gateway { get; private set; } = null!;

        /// <summary>What the answers of the model <c>frail</c> wait for.</summary>
        public Gate Gate { get; } = new();

        /// <inheritdoc/>
        public async ValueTask InitializeAsync() => Gateway = await Gateway.StartAsync(
            $$"""
            "steady": {"Runner":"demo","Memory":"100MB"},
            "quiet":  {"Runner":"demo","Memory":"100MB"},
            "mortal": {"Runner":"demo","Memory":"100MB"},
            "frail":  {"Runner":"demo","Memory":"100MB","Args":[{{Gate.AnswerInJson}}]},
            "broken": {"Runner":"demo","Memory":"100MB","Args":["--exit-at-start","3"]},
            "huge":   {"Runner":"demo","Memory":"100000GB"}
            """,
            """
            "Residency":{"MaxResident":0,"Cooldown":"00:00:00"},"Memory":{"Reserve":"0GB"},"Limits":{"RequestBody":"1MB"},"Streams":{"HoldStatus":"00:01:00"}
            """);

        /// <inheritdoc/>
        public async ValueTask DisposeAsync()
        {
            await Gateway.DisposeAsync();
            Gate.Dispose();
        }
    }
}
