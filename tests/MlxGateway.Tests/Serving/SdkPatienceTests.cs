using System.ClientModel;
using System.ClientModel.Primitives;
using System.Diagnostics;
using System.Text.Json;
using MlxGateway.Tests.Support;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>
/// The official client with the retries and timeouts it is delivered with, in front of any program that is slow to load: a person sees an answer and no exception.
/// Every run does it in seconds, with the gateway's own wait made as much shorter; <c>MLXGATEWAY_TESTS_WAITS=long</c> does it with a load of three minutes and everything as delivered.
/// </summary>
public sealed class SdkPatienceTests
{
    private static bool IsLong => Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_WAITS") == "long";

    [Theory]
    [InlineData(5, "\"Limits\":{\"NonStreamWait\":\"00:00:01\"}")]
    [InlineData(180, "")]
    public async Task Chat_WholeOverALongLoad_IsAnAnswerInTheEnd(int load, string settings)
    {
        Assert.SkipWhen(load > 60 && !IsLong, "Only with MLXGATEWAY_TESTS_WAITS=long.");
        var program = JsonSerializer.Serialize(Path.Combine(AppContext.BaseDirectory, "MlxGateway.DemoRunner"));
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "slow":{"Runner":"command","Memory":"100MB","Command":[{{program}},"--port","{port}","--model","slow","--load-time","{{load}}"]}
            """,
            settings);
        var tries = new Tries();
        var options = new OpenAIClientOptions { Endpoint = new Uri(gateway.Address, "/v1") };
        options.AddPolicy(tries, PipelinePosition.PerTry); // it only counts
        var client = new OpenAIClient(new ApiKeyCredential("not-needed"), options);
        var since = Stopwatch.StartNew();

        var answer = await client.GetChatClient("slow").CompleteChatAsync([new UserChatMessage("Hello")], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(ChatFinishReason.Stop, answer.Value.FinishReason);
        Assert.InRange(since.Elapsed, TimeSpan.FromSeconds(load - 1), TimeSpan.FromSeconds(load + 30));
        TestContext.Current.TestOutputHelper?.WriteLine($"Answered after {since.Elapsed.TotalSeconds:0.0} s, at try {tries.Count}.");
        Assert.InRange(tries.Count, 2, 4); // it was told to come back, else this shows nothing
        var decisions = (await gateway.GetAsync("/api/explain")).Json.GetProperty("decisions").EnumerateArray().Select(static d => d.GetProperty("kind").GetString());
        Assert.Single(decisions, "launched"); // the load went on
    }

    private sealed class Tries : PipelinePolicy
    {
        public int Count { get; private set; }

        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Count++;
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Count++;
            return ProcessNextAsync(message, pipeline, currentIndex);
        }
    }
}
