using System.ClientModel;
using MlxGateway.Tests.Engines;
using MlxGateway.Tests.Support;
using OpenAI;
using OpenAI.Chat;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>The official OpenAI client, as delivered, pointed at the gateway.</summary>
public sealed class OpenAiClientTests(DemoGateway demo, LlamaGateway llama) : IClassFixture<DemoGateway>, IClassFixture<LlamaGateway>
{
    [Fact]
    public async Task Chat_Whole_IsRead()
    {
        var answer = await Client(demo.Gateway).GetChatClient("steady").CompleteChatAsync([new UserChatMessage("Hello")], cancellationToken: TestContext.Current.CancellationToken);

        Assert.Contains("demonstration", answer.Value.Content[0].Text, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.Stop, answer.Value.FinishReason);
    }

    [Fact]
    public async Task Chat_StreamedOverAColdLoad_IsReadInPieces()
    {
        await demo.Gateway.PostAsync("/api/models/unload/steady", "");
        var pieces = new List<string>();

        await foreach (var update in Client(demo.Gateway).GetChatClient("steady").CompleteChatStreamingAsync([new UserChatMessage("Hello")], cancellationToken: TestContext.Current.CancellationToken))
        {
            pieces.AddRange(update.ContentUpdate.Select(c => c.Text));
        }

        Assert.True(pieces.Count > 5);
        Assert.Contains("demonstration", string.Concat(pieces), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_StreamBrokenOff_IsAnExceptionAndNotAShortAnswer()
    {
        var options = new ChatCompletionOptions();
#pragma warning disable SCME0001 // The client's own way to send a field that OpenAI does not have.
        options.Patch.Set("$.demo"u8, BinaryData.FromString("""{"cut_after":2}"""));
#pragma warning restore SCME0001

        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await foreach (var _ in Client(demo.Gateway).GetChatClient("steady").CompleteChatStreamingAsync([new UserChatMessage("Hello")], options, TestContext.Current.CancellationToken))
            {
            }
        });
    }

    [Fact]
    public async Task Model_Unknown_IsAClientResultExceptionWithTheMessage()
    {
        var refused = await Assert.ThrowsAsync<ClientResultException>(() =>
            Client(demo.Gateway).GetChatClient("stady").CompleteChatAsync([new UserChatMessage("Hello")], cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal(404, refused.Status);
        Assert.Contains("Did you mean 'steady'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Models_AreListed()
    {
        var models = await Client(demo.Gateway).GetOpenAIModelClient().GetModelsAsync(TestContext.Current.CancellationToken);

        Assert.Contains(models.Value, m => m.Id == "steady" && m.OwnedBy == "mlxgateway");
    }

    [Fact]
    public async Task Embeddings_OfTheRealEngine_AreNumbersAndNotGarbage()
    {
        var vectors = await Client(llama.Gateway).GetEmbeddingClient("vectors").GenerateEmbeddingAsync("hello", cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(512, vectors.Value.ToFloats().Length);
        Assert.Contains(vectors.Value.ToFloats().ToArray(), v => v != 0);
    }

    [Fact]
    public async Task Tools_OfTheRealEngine_AreCalled()
    {
        var options = new ChatCompletionOptions { Tools = { ChatTool.CreateFunctionTool("get_weather", "weather", BinaryData.FromString("""{"type":"object","properties":{"city":{"type":"string"}}}""")) } };

        var answer = await Client(llama.Gateway).GetChatClient("caller").CompleteChatAsync([new UserChatMessage("Weather?")], options, TestContext.Current.CancellationToken);

        Assert.Equal("get_weather", Assert.Single(answer.Value.ToolCalls).FunctionName);
    }

    [Fact]
    public async Task Chat_TwoRealModelsInTurn_EachAnswersForItself()
    {
        foreach (var model in (string[])["tiny-a", "tiny-b"])
        {
            var answer = await Client(llama.Gateway).GetChatClient(model).CompleteChatAsync([new UserChatMessage("Hello")], cancellationToken: TestContext.Current.CancellationToken);

            Assert.Equal($"Hello from {model} .", answer.Value.Content[0].Text);
        }
    }

    [Fact]
    public async Task Models_ListedAndShown_AreRead()
    {
        var client = Client(demo.Gateway).GetOpenAIModelClient();

        var all = await client.GetModelsAsync(TestContext.Current.CancellationToken);
        var one = await client.GetModelAsync("gpt-4o-mini", TestContext.Current.CancellationToken);

        Assert.Contains("steady", all.Value.Select(m => m.Id));
        Assert.All(all.Value, m => Assert.Equal("mlxgateway", m.OwnedBy));
        Assert.Equal("steady", one.Value.Id);
        Assert.InRange(one.Value.CreatedAt, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }

    private static OpenAIClient Client(Gateway gateway) =>
        new(new ApiKeyCredential("not-needed"), new OpenAIClientOptions { Endpoint = new Uri(gateway.Address, "/v1") });
}
