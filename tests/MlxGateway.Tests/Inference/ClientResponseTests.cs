using System.Text.Json;
using MlxGateway.Inference;
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
        response.KeepCompany("m", static () => "loading");
        _clock.Advance(TimeSpan.FromSeconds(1.999));

        Assert.False(_client.HasBegun);

        _clock.Advance(TimeSpan.FromSeconds(0.001));

        Assert.Equal(": loading\n\n", _client.Received);
        Assert.Equal((200, "text/event-stream", "no-cache", "no"), (
            _client.Response.StatusCode, _client.Response.ContentType, (string?)_client.Response.Headers.CacheControl, (string?)_client.Response.Headers["X-Accel-Buffering"]));
        Assert.True(response.HasBegun && response.IsEventStream);
    }

    [Fact]
    public async Task KeepCompany_WhileNothingComes_SpeaksAtItsInterval()
    {
        await using var response = Open();
        var word = 0;
        response.KeepCompany("m", () => $"word {++word}\nof two lines");
        _clock.Advance(TimeSpan.FromSeconds(2 + (3 * 5) + 4.9));

        Assert.Equal(Enumerable.Range(1, 4).Select(n => $": word {n} of two lines\n\n"), _client.Pieces);
    }

    [Theory]
    [InlineData("/v1/chat/completions", "chat.completion.chunk")]
    [InlineData("/v1/completions", "text_completion")]
    public async Task KeepCompany_AfterAMinute_SendsAnEmptyEventNowAndThen(string path, string kind)
    {
        await using var response = Open(path);
        response.KeepCompany("a \"model\"", static () => "loading");
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

    [Fact]
    public async Task TakeOver_Ended_NothingOfOursComesAfterwards()
    {
        await using var response = Open();
        response.KeepCompany("m", static () => "loading");
        _clock.Advance(TimeSpan.FromSeconds(3));
        await response.TakeOverAsync();
        await response.TakeOverAsync();
        _clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(": loading\n\n", _client.Received);
    }

    [Fact]
    public async Task TakeOver_KeepAliveUnderWay_WaitsForIt()
    {
        await using var response = Open();
        var through = new TaskCompletionSource();
        _client.Obstacle = through.Task;
        response.KeepCompany("m", static () => "loading");

        // The client reads nothing: what is due meanwhile is not queued up for it.
        _clock.Advance(TimeSpan.FromMinutes(1));
        var taking = response.TakeOverAsync().AsTask();

        Assert.False(taking.IsCompleted);

        through.SetResult();
        await taking;

        Assert.Equal([": loading\n\n"], _client.Pieces);
    }

    [Fact]
    public async Task KeepCompany_ClientIsGone_IsNoFault()
    {
        await using var response = Open();
        _client.Obstacle = Task.FromException(new IOException("gone"));
        response.KeepCompany("m", static () => "loading");
        _clock.Advance(TimeSpan.FromMinutes(1));

        Assert.Empty(_client.Pieces);
    }

    [Fact]
    public async Task Fail_BeforeAnythingWasSent_IsARealStatus()
    {
        await using var response = Open();
        response.KeepCompany("m", static () => "loading");
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
        response.KeepCompany("m", static () => "loading");
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

    private ClientResponse Open(string path = "/v1/chat/completions") => new(_client.Context, InferenceRoute.All.Single(r => r.Path == path), _options, _clock);
}
