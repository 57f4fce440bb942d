using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class ClientResponseTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly ClientExchange _client = new();
    private readonly StreamOptions _options = new() { HoldStatus = TimeSpan.FromSeconds(2), KeepAlive = TimeSpan.FromSeconds(5) };

    [Fact]
    public async Task KeepCompany_UntilTheStatusIsHeldNoLonger_IsSilent()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Comments, Loading);
        _clock.Advance(TimeSpan.FromSeconds(1.999));

        Assert.False(_client.HasBegun);

        _clock.Advance(TimeSpan.FromSeconds(0.001));

        Assert.Equal(": loading m 3 s\n\n", _client.Received);
        Assert.Equal((200, "text/event-stream", "no-cache", "no"), (
            _client.Response.StatusCode, _client.Response.ContentType, (string?)_client.Response.Headers.CacheControl, (string?)_client.Response.Headers["X-Accel-Buffering"]));
        Assert.True(response.HasBegun && response.IsEventStream);
    }

    [Fact]
    public async Task KeepCompany_WhileNothingComes_SpeaksAtItsInterval()
    {
        await using var response = Open();
        var word = 0;
        response.KeepCompany("m", WaitingStyle.Comments, () => Loading() with { Model = $"word {++word}\nof two lines" });
        _clock.Advance(TimeSpan.FromSeconds(2 + (3 * 5) + 4.9));

        Assert.Equal(Enumerable.Range(1, 4).Select(n => $": loading word {n} of two lines 3 s\n\n"), _client.Pieces);
    }

    [Theory]
    [InlineData("/v1/chat/completions", "chat.completion.chunk")]
    [InlineData("/v1/completions", "text_completion")]
    public async Task KeepCompany_AfterAMinute_SendsAnEmptyEventNowAndThen(string path, string kind)
    {
        await using var response = Open(path);
        response.KeepCompany("a \"model\"", WaitingStyle.Comments, Loading);
        _clock.Advance(TimeSpan.FromSeconds(59.9));

        Assert.All(_client.Pieces, p => Assert.StartsWith(": ", p, StringComparison.Ordinal));

        _clock.Advance(TimeSpan.FromSeconds(60));
        var events = _client.Pieces.Where(p => p.StartsWith("data: ", StringComparison.Ordinal)).ToList();

        Assert.Equal(3, events.Count); // at 62, 82 and 102 s
        Assert.Equal(24, _client.Pieces.Count);
        foreach (var streamEvent in events)
        {
            Assert.EndsWith("}\n\n", streamEvent, StringComparison.Ordinal);
            var json = JsonDocument.Parse(streamEvent[6..]).RootElement;
            Assert.Equal((kind, "a \"model\"", "req_1"), (json.GetProperty("object").GetString(), json.GetProperty("model").GetString(), json.GetProperty("id").GetString()));
            Assert.InRange(json.GetProperty("created").GetInt64(), 1_767_323_045, 1_767_323_045 + 120);
            var choice = json.GetProperty("choices")[0];
            Assert.Equal(JsonValueKind.Null, choice.GetProperty("finish_reason").ValueKind);
            Assert.Equal("", kind == "text_completion" ? choice.GetProperty("text").GetString() : choice.GetProperty("delta").GetProperty("content").GetString());
            var facts = default(StreamFacts);
            Assert.Null(facts.NoteJson(System.Text.Encoding.UTF8.GetBytes(streamEvent[6..])));
            Assert.False(facts.IsComplete);
        }
    }

    // Two agents count only events as life, and close after 240 and 300 s without one.
    [Theory]
    [InlineData("/v1/responses", "event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"sequence_number\":0,")]
    [InlineData("/v1/messages", "event: ping\ndata: {\"type\":\"ping\"}\n\n")]
    public async Task KeepCompany_ForTenMinutes_SendsEmptyEventsOfTheDialect(string path, string first)
    {
        await using var response = Open(path);
        response.KeepCompany("m", WaitingStyle.Comments, Loading);
        _clock.Advance(TimeSpan.FromMinutes(10));
        var events = _client.Pieces.Where(p => p.StartsWith("event: ", StringComparison.Ordinal)).ToList();

        Assert.StartsWith(first, events[0], StringComparison.Ordinal);
        Assert.InRange(events.Count, 25, 28);
        Assert.All(events, e => JsonDocument.Parse(e.Split("data: ")[1]));
    }

    [Fact]
    public async Task KeepCompany_AsStatusLines_ShowsThemAndEndsThem()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Status, static () => Loading() with { Percent = 43, Left = TimeSpan.FromSeconds(12) });
        _clock.Advance(TimeSpan.FromSeconds(2));
        response.Loading = TimeSpan.FromSeconds(12);
        await response.TakeOverAsync();
        await response.EndWaitAsync(TestContext.Current.CancellationToken);
        await response.FailAsync(new GatewayError(502, "runner_failed", "why"));

        Assert.Equal(3, _client.Pieces.Count); // the answer's failure is not the wait's
        Assert.Contains("\"choices\":[],\"event\":{\"type\":\"status\",\"data\":{\"description\":\"Loading m 43 % eta 12 s\",\"done\":false}}}", _client.Pieces[0], StringComparison.Ordinal);
        Assert.Contains("\"description\":\"Loaded in 12 s\",\"done\":true}}}", _client.Pieces[1], StringComparison.Ordinal);
        Assert.All(_client.Pieces, p => JsonDocument.Parse(p["data: ".Length..]));
    }

    // Nothing was loaded: the model was busy, or thought about a long question.
    [Fact]
    public async Task KeepCompany_AsStatusLinesWithoutALoad_ClaimsNone()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Status, static () => Loading() with { State = "ready", Before = 2 });
        _clock.Advance(TimeSpan.FromSeconds(2));
        await response.TakeOverAsync();
        await response.EndWaitAsync(TestContext.Current.CancellationToken);

        Assert.Contains("\"description\":\"Waiting for m, 2 before you\",\"done\":false", _client.Pieces[0], StringComparison.Ordinal);
        Assert.Contains("\"description\":\"Began after 2 s\",\"done\":true", _client.Pieces[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeepCompany_AsStatusLinesAndItFails_EndsTheLineBeforeTheError()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Status, Loading);
        _clock.Advance(TimeSpan.FromSeconds(2));
        await response.FailAsync(new GatewayError(503, "model_launch_failed", "why"));

        Assert.Contains("\"description\":\"Failed after 2 s\",\"done\":true", _client.Pieces[1], StringComparison.Ordinal);
        Assert.Contains("model_launch_failed", _client.Pieces[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeepCompany_AsThoughts_AreTheModels()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Reasoning, Loading);
        _clock.Advance(TimeSpan.FromSeconds(2));
        var delta = JsonDocument.Parse(_client.Received["data: ".Length..]).RootElement.GetProperty("choices")[0].GetProperty("delta");

        Assert.Equal("Loading m 3 s\n", delta.GetProperty("reasoning_content").GetString());
    }

    // A program may leave a stream open that it has stopped reading.
    [Fact]
    public async Task Write_NobodyReads_TheClientCountsAsGoneAfterATime()
    {
        await using var response = Open();
        _client.Obstacle = new TaskCompletionSource().Task;
        var write = response.WriteAsync("data: x\n\n"u8.ToArray(), _client.Context.RequestAborted).AsTask();
        _clock.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(1));

        Assert.False(_client.IsAborted);

        _clock.Advance(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);

        Assert.True(_client.IsAborted);
    }

    // The server resets the connection of a write that is called off, and what the client has not read yet is lost with what would have followed.
    [Fact]
    public async Task Fail_WhileTheClientReadsSlowly_ComesBehindWhatWasWritten()
    {
        await using var response = Open();
        response.BeginEventStream();
        await response.WriteAsync("data: w\n\n"u8.ToArray(), TestContext.Current.CancellationToken);
        var obstacle = new TaskCompletionSource();
        _client.Obstacle = obstacle.Task;
        using var calledOff = new CancellationTokenSource();
        var write = response.WriteAsync("data: x\n\n"u8.ToArray(), calledOff.Token).AsTask();
        await calledOff.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        var failing = response.FailAsync(new GatewayError(503, "evicted", "why"));
        Assert.False(failing.IsCompleted);

        obstacle.SetResult();
        await failing;

        Assert.Equal("data: x\n\n", _client.Pieces[1]);
        Assert.Contains("\"code\":\"evicted\"", _client.Pieces[2], StringComparison.Ordinal);
        Assert.False(_client.IsAborted);
        Assert.True(response.IsUnfinished);
    }

    // Else the server would wait for it when it is to stop, until it is killed.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fail_OfAnAnswerThatNobodyReads_EndsTheConnectionAfterATime(bool isEventStream)
    {
        await using var response = Open();
        if (isEventStream)
        {
            response.BeginEventStream();
        }
        else
        {
            response.Begin(200, "application/json", 100);
        }

        await response.WriteAsync("{"u8.ToArray(), TestContext.Current.CancellationToken);
        _client.Obstacle = new TaskCompletionSource().Task;
        using var calledOff = new CancellationTokenSource();
        var write = response.WriteAsync("x"u8.ToArray(), calledOff.Token).AsTask();
        await calledOff.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        var failing = response.FailAsync(new GatewayError(503, "evicted", "why"));
        _clock.Advance(TimeSpan.FromSeconds(9));
        Assert.False(failing.IsCompleted);
        Assert.False(_client.IsAborted);

        _clock.Advance(TimeSpan.FromSeconds(1));
        await failing;

        Assert.True(_client.IsAborted);
        Assert.True(response.IsUnfinished);
    }

    [Theory]
    [InlineData("/v1/messages", "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"why\",")]
    [InlineData("/v1/responses", "event: error\ndata: {\"type\":\"error\",\"code\":\"runner_failed\",\"message\":\"why\",\"param\":null,\"sequence_number\":0,\"error\":{\"message\":\"why\",")]
    public async Task Fail_InAnotherDialect_IsItsErrorEventAndHasTheOneShape(string path, string frame)
    {
        await using var response = Open(path);
        response.BeginEventStream();
        await response.WriteAsync("event: x\ndata: {}\n\n"u8.ToArray(), TestContext.Current.CancellationToken);
        await response.FailAsync(new GatewayError(502, "runner_failed", "why"));

        Assert.StartsWith(frame, _client.Pieces[1], StringComparison.Ordinal);
        Assert.Equal("runner_failed", JsonDocument.Parse(_client.Pieces[1].Split("data: ")[1]).RootElement.GetProperty("error").GetProperty("code").GetString());
        Assert.True(response.IsUnfinished);
    }

    [Fact]
    public async Task TakeOver_Ended_NothingOfOursComesAfterwards()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Comments, Loading);
        _clock.Advance(TimeSpan.FromSeconds(3));
        await response.TakeOverAsync();
        await response.TakeOverAsync();
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(": loading m 3 s\n\n", _client.Received);
    }

    [Fact]
    public async Task TakeOver_KeepAliveUnderWay_WaitsForIt()
    {
        await using var response = Open();
        var through = new TaskCompletionSource();
        _client.Obstacle = through.Task;
        response.KeepCompany("m", WaitingStyle.Comments, Loading);

        // The client reads nothing: what is due meanwhile is not queued up for it.
        _clock.Advance(TimeSpan.FromMinutes(1));
        var taking = response.TakeOverAsync().AsTask();

        Assert.False(taking.IsCompleted);

        through.SetResult();
        await taking;

        Assert.Equal([": loading m 3 s\n\n"], _client.Pieces);
    }

    [Fact]
    public async Task KeepCompany_ClientIsGone_IsNoFault()
    {
        await using var response = Open();
        _client.Obstacle = Task.FromException(new IOException("gone"));
        response.KeepCompany("m", WaitingStyle.Comments, Loading);
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Empty(_client.Pieces);
    }

    // A runner that dies behind its last byte: the client has its answer, and keeps the connection.
    [Theory]
    [InlineData("{\"a\":1}", false)]
    [InlineData("{\"a\":", true)]
    public async Task Fail_BehindAWholeAnswer_LeavesTheConnectionAsItIs(string sent, bool isUnfinished)
    {
        await using var response = Open();
        response.Begin(200, "application/json", "{\"a\":1}".Length);
        await response.WriteAsync(System.Text.Encoding.UTF8.GetBytes(sent), TestContext.Current.CancellationToken);
        await response.FailAsync(new GatewayError(502, "runner_failed", "why"));

        Assert.Equal((isUnfinished, !isUnfinished), (response.IsUnfinished, response.IsWhole));
        Assert.Equal(sent, _client.Received);
    }

    [Fact]
    public async Task Fail_BeforeAnythingWasSent_IsARealStatus()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Comments, Loading);
        await response.FailAsync(new GatewayError(503, "model_launch_failed", "why"));
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal((503, "5"), (_client.Response.StatusCode, (string?)_client.Response.Headers.RetryAfter));
        Assert.Equal("model_launch_failed", _client.Error.GetProperty("code").GetString());
        Assert.False(response.IsUnfinished);
    }

    [Fact]
    public async Task Fail_StreamDecidedButNotBegun_IsStillARealStatus()
    {
        await using var response = Open();
        response.BeginEventStream();
        await response.FailAsync(new GatewayError(502, "runner_failed", "why"));

        Assert.Equal((502, "application/json"), (_client.Response.StatusCode, _client.Response.ContentType));
        Assert.False(response.IsUnfinished || response.IsEventStream);
    }

    [Fact]
    public async Task Fail_AfterTheStreamBegan_IsItsLastEventAndNoCleanEnd()
    {
        await using var response = Open();
        response.KeepCompany("m", WaitingStyle.Comments, Loading);
        _clock.Advance(TimeSpan.FromSeconds(2));
        await response.FailAsync(new GatewayError(503, "model_launch_failed", "why"));
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(2, _client.Pieces.Count);
        Assert.Equal("""data: {"error":{"message":"why","type":"server_error","param":null,"code":"model_launch_failed"}}""" + "\n\n", _client.Pieces[1]);
        Assert.Equal(200, _client.Response.StatusCode);
        Assert.True(response.IsUnfinished);
    }

    [Fact]
    public async Task Fail_AfterABodyThatIsNoStreamBegan_AddsNothingToIt()
    {
        await using var response = Open();
        response.Begin(200, "application/json", 100);
        await response.WriteAsync("{\"half\":"u8.ToArray(), TestContext.Current.CancellationToken);
        await response.FailAsync(new GatewayError(502, "runner_failed", "why"));

        Assert.Equal("{\"half\":", _client.Received);
        Assert.True(response.IsUnfinished);
    }

    private static LoadProgress Loading() => new("m", "launching", TimeSpan.FromSeconds(3), null, null);

    private ClientResponse Open(string path = "/v1/chat/completions") => new(_client.Context, InferenceRoute.All.Single(r => r.Path == path), _options, _clock);
}
