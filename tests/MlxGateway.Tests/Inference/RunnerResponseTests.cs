using System.Text;
using MlxGateway.Inference;
using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>What a client gets for what a runner sent, byte for byte.</summary>
public sealed class RunnerResponseTests
{
    private const string Word = """data: {"choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}""" + "\n\n";
    private const string Finish = """data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}""" + "\n\n";
    private const string Done = "data: [DONE]\n\n";

    private static readonly RunnerResponseHead Events = new(200, "text/event-stream; charset=utf-8", null, IsDelimited: false);

    private readonly ClientExchange _client = new();

    [Theory]
    [InlineData(Word + Finish + Done, Word + Finish + Done)]
    [InlineData(": hello\n\n" + Word + Finish + Done, ": hello\n\n" + Word + Finish + Done)]
    [InlineData(Word + Finish, Word + Finish + Done)] // what was left out is put in
    [InlineData(Word + Done, Word + Done)]
    [InlineData(Word + "data: [DONE]", Word + Done)] // the last event's empty line too
    [InlineData(Word + "data: [DONE]\n", Word + Done)]
    public async Task Stream_Complete_ReachesTheClientWhole(string sent, string received)
    {
        var random = new Random(4);
        for (var i = 0; i < 30; i++)
        {
            var client = new ClientExchange();
            var (error, facts) = await RunAsync(client, Events, sent, stream: true, random);

            Assert.Null(error);
            Assert.StartsWith(received, client.Received, StringComparison.Ordinal);
            Assert.Empty(client.Received[received.Length..].Trim('\n'));
            Assert.Equal((200, "text/event-stream"), (client.Response.StatusCode, client.Response.ContentType));
            Assert.True(facts.IsComplete);
            Assert.All(client.Pieces, p => Assert.EndsWith("\n", p, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("/v1/responses", "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"é\"}\n\n", "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{}}\n\n")]
    [InlineData("/v1/messages", "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"é\"}}\n\n", "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")]
    [InlineData("/v1/completions", "data: {\"choices\":[{\"text\":\"é\",\"finish_reason\":null}]}\n\n", "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")]
    public async Task Stream_OfEachDialect_IsWholeWithItsLastEventAndBrokenWithoutIt(string path, string word, string last)
    {
        var route = InferenceRoute.All.First(r => r.Path == path);
        var random = new Random(3);
        for (var i = 0; i < 20; i++)
        {
            var (whole, broken, failed) = (new ClientExchange(), new ClientExchange(), new ClientExchange());
            var (noError, _) = await RunAsync(whole, Events, word + last, stream: true, random, route);
            var (cutOff, _) = await RunAsync(broken, Events, word + last[..^6].Replace("\"stop\"", "null", StringComparison.Ordinal).Replace("data: [DO", "", StringComparison.Ordinal), stream: true, random, route);
            var (itsOwn, _) = await RunAsync(failed, Events, word + "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"no memory\"}}\n\n" + last, stream: true, random, route);

            Assert.Null(noError);
            Assert.Equal(word + last, whole.Received);
            Assert.Equal("runner_failed", cutOff?.Code);
            Assert.DoesNotContain("[DONE]", broken.Received, StringComparison.Ordinal);
            Assert.EndsWith("no memory.", itsOwn?.Message, StringComparison.Ordinal);
            Assert.Equal(word, failed.Received);
        }
    }

    [Fact]
    public async Task Stream_WithAByteOrderMark_IsSentWithout()
    {
        var (error, facts) = await RunAsync(_client, Events, "\uFEFF" + Word + Finish + Done, stream: true, new Random(3));

        Assert.Null(error);
        Assert.Equal(Word + Finish + Done, _client.Received);
        Assert.True(facts.HasAnswer);
    }

    [Theory]
    [InlineData(100, false)]
    [InlineData(100, true)]
    [InlineData(100_000, false)]
    [InlineData(100_000, true)]
    public async Task Json_OfAnyLength_TellsCountsAndSpeeds(int length, bool isAnnounced)
    {
        var sent = $$$"""{"choices":[{"message":{"content":"{{{new string('x', length)}}}"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}},"timings":{"predicted_per_second":5.5}}""";
        var (_, facts) = await RunAsync(_client, new RunnerResponseHead(200, "application/json", isAnnounced ? sent.Length : null, IsDelimited: true), sent, stream: false, random: null);

        Assert.Equal((3, 4, 2, 5.5), (facts.PromptTokens, facts.CompletionTokens, facts.Counts.CachedTokens, facts.Counts.Speed));
        Assert.Equal(length < 64 * 1024 ? "stop" : null, facts.FinishReason);
    }

    [Fact]
    public async Task Stream_FirstToken_IsTheFirstWordAndNotTheFirstByte()
    {
        var clock = new ManualTimeProvider();
        using var request = await ClientExchange.RequestAsync("""{"model":"m","stream":true}""");
        await using var response = new ClientResponse(_client.Context, request.Route, new StreamOptions(), clock);
        await using var body = new RunnerResponse(response, request, "m", "stub", clock) { Head = Events };
        await body.WriteAsync(": keepalive 1/2\n\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var first = clock.GetTimestamp();
        clock.Advance(TimeSpan.FromSeconds(3));
        await body.WriteAsync(Encoding.UTF8.GetBytes(Word), TestContext.Current.CancellationToken);
        clock.Advance(TimeSpan.FromSeconds(2));
        await body.WriteAsync(Encoding.UTF8.GetBytes(Word + Finish + Done), TestContext.Current.CancellationToken);

        Assert.Equal(first, body.FirstByteAt);
        Assert.Equal(TimeSpan.FromSeconds(3), clock.GetElapsedTime(first, body.FirstTokenAt));
    }

    [Theory]
    [InlineData("")]
    [InlineData(Word)]
    [InlineData(Word + "data: {\"choices\":[{\"finish_reason\":\"stop")]
    [InlineData(Word + "data: {\"choices\":[{\"finish_reason\":\"stop\"}")]
    [InlineData(Word + "data: [DO")]
    public async Task Stream_WithoutAnEnd_IsBroken(string sent)
    {
        var random = new Random(5);
        for (var i = 0; i < 30; i++)
        {
            var client = new ClientExchange();
            var (error, _) = await RunAsync(client, Events, sent, stream: true, random);

            Assert.Equal((502, "runner_failed"), (error?.Status, error?.Code));
            Assert.DoesNotContain("[DONE]", client.Received, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(0, true)]
    [InlineData(null, false)]
    public async Task Whole_WithoutAByte_IsBroken(int? length, bool isDelimited)
    {
        var (error, _) = await RunAsync(_client, new(200, "application/json", length, isDelimited), "", stream: false, null);

        Assert.Equal((502, "runner_failed"), (error?.Status, error?.Code));
        Assert.False(_client.Response.HasStarted);
    }

    [Fact]
    public async Task Stream_ErrorEvent_EndsItWithTheRunnersWordsAndNotItsShape()
    {
        var (error, _) = await RunAsync(_client, Events, Word + "data: {\"error\":{\"message\":\"out of memory\"}}\n\n" + Word + Done, stream: true, new Random(6));

        Assert.Equal("The runner of model 'm' broke before the answer was complete: out of memory.", error?.Message);
        Assert.Equal(Word, _client.Received);
    }

    [Fact]
    public async Task Stream_ErrorEventBeforeAnythingElse_LeavesTheStatusOpen()
    {
        var (error, _) = await RunAsync(_client, Events, "data: {\"error\":\"out of memory\"}\n\n", stream: true, new Random(6));

        Assert.NotNull(error);
        Assert.False(_client.HasBegun);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Json_Whole_PassesAsItIs(bool stream)
    {
        const string Answer = """{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}""";
        var (error, facts) = await RunAsync(_client, new RunnerResponseHead(200, "application/json", null, IsDelimited: true), Answer, stream, new Random(7));

        Assert.Null(error);
        Assert.Equal(Answer, Assert.Single(_client.Pieces));
        Assert.Equal((200, "application/json", Answer.Length), (_client.Response.StatusCode, _client.Response.ContentType, _client.Response.ContentLength));
        Assert.Equal((3, 4), (facts.PromptTokens, facts.CompletionTokens));
    }

    [Fact]
    public async Task Json_ForAClientThatIsBeingKeptCompany_IsAnErrorAndNotHalfAStream()
    {
        var clock = new ManualTimeProvider();
        using var request = await ClientExchange.RequestAsync("""{"model":"m","stream":true}""");
        await using var response = new ClientResponse(_client.Context, request.Route, new StreamOptions(), clock);
        response.KeepCompany("m", WaitingStyle.Comments, static () => new LoadProgress("m", "launching", TimeSpan.FromSeconds(3), null, null));
        clock.Advance(TimeSpan.FromSeconds(2));
        await using var body = new RunnerResponse(response, request, "m", "stub", clock) { Head = new RunnerResponseHead(200, "application/json", null, IsDelimited: true) };
        await body.WriteAsync("{}"u8.ToArray(), TestContext.Current.CancellationToken);
        var error = await body.CompleteAsync(TestContext.Current.CancellationToken);

        Assert.Equal(502, error?.Status);
        Assert.Equal(": loading m 3 s\n\n", _client.Received);
    }

    [Theory]
    [InlineData(404, "not_found", 404)]
    [InlineData(500, "runner_failed", 502)]
    public async Task Error_InAnyPieces_IsCollectedAndNothingOfItIsPassedOn(int status, string code, int mapped)
    {
        foreach (var stream in new[] { false, true })
        {
            var client = new ClientExchange();
            var (error, _) = await RunAsync(client, new RunnerResponseHead(status, "text/event-stream", null, IsDelimited: false), """{"error":{"message":"why"}}""", stream, new Random(8));

            Assert.Equal((mapped, code), (error?.Status, error?.Code));
            Assert.Contains("why", error!.Message, StringComparison.Ordinal);
            Assert.False(client.HasBegun);
        }
    }

    [Fact]
    public async Task Error_WithoutABody_IsOneToo()
    {
        var (error, _) = await RunAsync(_client, new RunnerResponseHead(500, null, 0, IsDelimited: true), "", stream: false, new Random(8));

        Assert.Equal(502, error?.Status);
    }

    [Fact]
    public async Task Error_WithAnEndlessBody_IsCollectedUpToALimit()
    {
        var (error, _) = await RunAsync(_client, new RunnerResponseHead(500, "text/plain", null, IsDelimited: false), new string('x', 300_000), stream: false, random: null);

        Assert.InRange(error!.Message.Length, 1, 1000);
    }

    [Theory]
    [InlineData("""{"choices":[{"message":{"content":"half""")]
    [InlineData("")]
    public async Task Json_EndsWithTheConnectionInTheMiddle_IsNotSentAtAll(string sent)
    {
        var (error, _) = await RunAsync(_client, new RunnerResponseHead(200, "application/json", null, IsDelimited: false), sent, stream: false, new Random(9));

        Assert.Equal("runner_failed", error?.Code);
        Assert.False(_client.HasBegun);
    }

    [Theory]
    [InlineData("}", false)]
    [InlineData("", true)]
    public async Task Json_Longer_PassesThroughAndIsStillJudged(string end, bool broken)
    {
        var sent = "{\"x\":\"" + new string('x', 200_000) + "\"" + end;
        var (error, _) = await RunAsync(_client, new RunnerResponseHead(200, "application/json", null, IsDelimited: false), sent, stream: false, random: null);

        Assert.Equal(broken, error is not null);
        Assert.Equal(sent, _client.Received);
        Assert.True(_client.Pieces.Count > 1);
        Assert.Null(_client.Response.ContentLength);
    }

    [Theory]
    [InlineData(64 * 1024, 1)]
    [InlineData(64 * 1024 + 1, 2)]
    public async Task Text_AtTheLimitOfWhatIsHeld_ArrivesWhole(int length, int pieces)
    {
        var sent = new string('x', length);
        var (error, _) = await RunAsync(_client, new RunnerResponseHead(200, "text/plain", length, IsDelimited: true), sent, stream: false, random: null);

        Assert.Null(error);
        Assert.Equal(sent, _client.Received);
        Assert.Equal((pieces, (long?)length), (_client.Pieces.Count, _client.Response.ContentLength));
    }

    // In random pieces, or in pieces of 32 KB and one byte.
    private static async Task<(GatewayError? Error, StreamFacts Facts)> RunAsync(ClientExchange client, RunnerResponseHead head, string sent, bool stream, Random? random, InferenceRoute? route = null)
    {
        using var request = await ClientExchange.RequestAsync($$"""{"model":"m","stream":{{(stream ? "true" : "false")}}}""", route);
        await using var response = new ClientResponse(client.Context, request.Route, new StreamOptions(), TimeProvider.System);
        await using var body = new RunnerResponse(response, request, "m", "stub", TimeProvider.System) { Head = head };
        var bytes = Encoding.UTF8.GetBytes(sent);
        foreach (var piece in random is null ? bytes.Chunk(32 * 1024).Select(c => new ReadOnlyMemory<byte>(c)) : Pieces.Cut(bytes, random))
        {
            await body.WriteAsync(piece, TestContext.Current.CancellationToken);
        }

        return (await body.CompleteAsync(TestContext.Current.CancellationToken), body.Facts);
    }
}
