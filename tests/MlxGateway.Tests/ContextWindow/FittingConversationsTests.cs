using System.Text;
using System.Text.Json;
using MlxGateway.ContextWindow;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Tests.Inference;
using Xunit;

namespace MlxGateway.Tests.ContextWindow;

/// <summary>What becomes of a request, over a runner that cannot count and must not be asked: it is not there.</summary>
public sealed class FittingConversationsTests
{
    private readonly TokenRatios _ratios = new();
    private readonly SummaryShelf _shelf = new(8);
    private readonly ContextWindowOptions _options = new();

    [Theory]
    [InlineData("max_tokens")]
    [InlineData("max_completion_tokens")]
    public async Task Cap_LargerThanWhatRemains_IsLoweredAndOthersAreNot(string name)
    {
        var (error, body) = await ShapeAsync(Model(4096, ContextOverflow.Refuse), $$"""{"messages":[{"role":"user","content":"hi"}],"{{name}}": 32000 ,"seed":32000}""");
        Assert.Null(error);
        Assert.InRange(body.GetProperty(name).GetInt64(), 3000, 4095);
        Assert.Equal(32000, body.GetProperty("seed").GetInt64());

        (_, body) = await ShapeAsync(Model(4096, ContextOverflow.Refuse), $$"""{"messages":[{"role":"user","content":"hi"}],"{{name}}":300}""");
        Assert.Equal(300, body.GetProperty(name).GetInt64());
    }

    [Fact]
    public async Task Off_AnyLength_IsTheEnginesAffair()
    {
        var json = Chat(40, 500, ",\"max_tokens\":32000");

        var (error, body) = await ShapeAsync(Model(512, ContextOverflow.Off), json);

        Assert.Null(error);
        Assert.Equal(json, body.GetRawText());
    }

    [Fact]
    public async Task Refuse_TooLong_SaysBothNumbersAndTheMethod()
    {
        var json = Chat(40, 100);
        var tokens = (long)Math.Ceiling(Encoding.UTF8.GetByteCount(json) * 0.4 * 1.1);

        var (error, _) = await ShapeAsync(Model(512, ContextOverflow.Refuse), json);

        Assert.Equal((400, "context_length_exceeded", "messages"), (error!.Status, error.Code, error.Param));
        Assert.StartsWith($"This model's maximum context length is 512 tokens. However, your request has {tokens} tokens (estimated from earlier requests).", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuse_CertainlyTooLong_CostsNoLoad()
    {
        using var request = await ClientExchange.RequestAsync(Chat(1, 300 * 64));
        var (exchange, _) = Exchange(request);

        Assert.Contains("your request has 300 tokens (at least, by its bytes)", (await Shaper().ShapeAsync(exchange, Model(256, ContextOverflow.Refuse)))!.Message, StringComparison.Ordinal);
        Assert.Null(await Shaper().ShapeAsync(exchange, Model(400, ContextOverflow.Refuse)));
        Assert.Null(await Shaper().ShapeAsync(exchange, Model(256, ContextOverflow.Compact)));
    }

    [Fact]
    public async Task Compact_SummaryIsKnown_IsUsedAndSaidAndNobodyIsAsked()
    {
        var model = Model(1024, ContextOverflow.Compact);
        var json = Chat(40, 60, ",\"max_tokens\":32000");
        using var request = await ClientExchange.RequestAsync(json);
        var parts = Conversation.TryRead(((JsonRequest)request).Json, 0, StreamShape.Chat, null)!;
        _shelf.Keep(SummaryShelf.KeysOf("m", ((JsonRequest)request).Json, parts.Messages, 30)[29], new Summary(30, "thirty in short"));
        var (exchange, client) = Exchange(request);

        Assert.Null(await Shaper().ShapeForRunnerAsync(exchange, Lease(model)));

        var body = await BodyOf(request);
        Assert.Equal(11, body.GetProperty("messages").GetArrayLength());
        Assert.EndsWith("thirty in short", body.GetProperty("messages")[0].GetProperty("content").GetString(), StringComparison.Ordinal);
        Assert.Matches(@"^compacted; from=\d{4}; to=\d{3}$", client.Response.Headers[FittingConversations.Header].ToString());
        Assert.InRange(body.GetProperty("max_tokens").GetInt64(), 100, 1023);
    }

    [Fact]
    public async Task Compact_ResponseHasBegun_IsSaidInAComment()
    {
        using var request = await ClientExchange.RequestAsync(Chat(40, 60));
        var parts = Conversation.TryRead(((JsonRequest)request).Json, 0, StreamShape.Chat, null)!;
        _shelf.Keep(SummaryShelf.KeysOf("m", ((JsonRequest)request).Json, parts.Messages, 30)[29], new Summary(30, "thirty in short"));
        var (exchange, client) = Exchange(request);
        exchange.Response.BeginEventStream();
        await exchange.Response.WriteAsync(": loading\n\n"u8.ToArray(), TestContext.Current.CancellationToken);

        Assert.Null(await Shaper().ShapeForRunnerAsync(exchange, Lease(Model(1024, ContextOverflow.Compact))));

        Assert.Matches(@"^: context compacted; from=\d+; to=\d+\n\n$", client.Pieces[1]);
    }

    [Fact]
    public async Task Compact_LastMessagesAloneAreTooLong_IsRefused()
    {
        var (error, _) = await ShapeAsync(Model(512, ContextOverflow.Compact), Chat(4, 1000));

        Assert.Equal("context_length_exceeded", error!.Code);
        Assert.Contains("There is nothing to summarise", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_TooLong_IsRefusedAlsoWhereChatsAreCompacted()
    {
        using var request = await ClientExchange.RequestAsync($$"""{"prompt":"{{new string('a', 3000)}}"}""", InferenceRoute.Completions);
        var (exchange, _) = Exchange(request, InferenceRoute.Completions);

        var error = await Shaper().ShapeForRunnerAsync(exchange, Lease(Model(512, ContextOverflow.Compact)));

        Assert.Equal(("context_length_exceeded", "prompt"), (error!.Code, error.Param));
    }

    private static ModelSpec Model(int context, ContextOverflow overflow) => new() { Id = "m", Runner = KindNames.Demo, Context = context, ContextOverflow = overflow };

    private static string Chat(int messages, int length, string members = "") =>
        $$"""{"messages":[{{string.Join(',', Enumerable.Range(0, messages).Select(i => $$"""{"role":"{{(i % 2 == 0 ? "user" : "assistant")}}","content":"{{i}} {{new string('x', length)}}"}"""))}}]{{members}}}""";

    private static ModelLease Lease(ModelSpec model) => new(model, 1, new StubRunner(1), new Revocation(), TimeSpan.Zero, TimeSpan.Zero, static _ => { });

    private static (InferenceExchange Exchange, ClientExchange Client) Exchange(InferenceRequest request, InferenceRoute? route = null)
    {
        var client = new ClientExchange();
        route ??= InferenceRoute.ChatCompletions;
        var response = new ClientResponse(client.Context, route, new StreamOptions(), TimeProvider.System);
        return (new InferenceExchange(client.Context, route, response, new RequestRecord { Id = "r", Route = route.Path }, 0) { Request = request }, client);
    }

    private static async Task<JsonElement> BodyOf(InferenceRequest request)
    {
        await using var stream = request.OpenBody();
        return (await JsonDocument.ParseAsync(stream, default, TestContext.Current.CancellationToken)).RootElement.Clone();
    }

    private FittingConversations Shaper() => new(new RunnerWindows(), new TokenCounter(_ratios, _options), _ratios, _shelf, _options);

    private async Task<(GatewayError? Error, JsonElement Body)> ShapeAsync(ModelSpec model, string json)
    {
        using var request = await ClientExchange.RequestAsync(json);
        var error = await Shaper().ShapeForRunnerAsync(Exchange(request).Exchange, Lease(model));
        return (error, await BodyOf(request));
    }
}
