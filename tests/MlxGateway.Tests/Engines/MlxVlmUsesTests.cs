using System.ClientModel;
using System.Net.Http.Headers;
using System.Text.Json;
using MlxGateway.Tests.Support;
using OpenAI;
using OpenAI.Embeddings;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>What the real <c>mlx_vlm.server</c> serves beside chats: models that were found in a folder and go to it by themselves.</summary>
public sealed class MlxVlmUsesTests(MlxUses uses) : IClassFixture<MlxUses>
{
    [Fact]
    public async Task List_ModelsThatDoNotChat_SaysWhatEachIsForAndWhoServesIt()
    {
        var models = (await (await uses.GatewayAsync()).GetAsync("/v1/models")).Json.GetProperty("data").EnumerateArray()
            .Select(m => $"{m.GetProperty("id")} {m.GetProperty("runner")} {string.Join(',', m.GetProperty("capabilities").EnumerateArray())} {string.Join(',', m.GetProperty("architecture").GetProperty("output_modalities").EnumerateArray())}");

        Assert.Equal(
            [
                "hears mlx_vlm transcription text", "mine mlx_vlm embedding embeddings", "ranks mlx_vlm rerank text", "speaks mlx_vlm speech audio", "talks mlx_lm completion,chat text", "unlike mlx_vlm embedding embeddings",
                "vectors-embedding mlx_vlm embedding embeddings",
            ],
            models.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Embeddings_ColdAndBetweenChats_AreTheEnginesVectorsForEveryClient()
    {
        var gateway = await uses.GatewayAsync();
        var client = new OpenAIClient(new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(gateway.Address, "/v1") }).GetEmbeddingClient("text-embedding-3-small");

        // Cold. The client asks for base64, which the engine does not know.
        OpenAIEmbeddingCollection first = await client.GenerateEmbeddingsAsync(["hi", "cat dog"], cancellationToken: TestContext.Current.CancellationToken);
        var numbers = (await gateway.PostAsync("/embeddings", """{"model":"mine","input":"hi"}""")).Json;
        var vector = numbers.GetProperty("data")[0].GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()).ToArray();

        Assert.Equal((2, 16), (first.Count, first[0].ToFloats().Length));
        Assert.Equal(7, first.Usage.InputTokenCount); // with the two marks around each
        Assert.All(vector.Zip(first[0].ToFloats().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Equal(1.0, vector.Sum(v => v * v), 1e-3);
        Assert.NotEqual(first[0].ToFloats().ToArray(), first[1].ToFloats().ToArray());
        Assert.Equal("mine", numbers.GetProperty("model").GetString());

        // Several at once, of clients that know nothing of each other.
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => gateway.PostAsync("/v1/embeddings", """{"model":"mine","input":["hi","world"]}""")));
        Assert.All(answers, a => Assert.Equal(200, a.Status));

        // Nothing but this model is in the engine's memory, and it is there once.
        Assert.Equal($$"""{"embedding":"{{uses.PathOf("vectors")}}"}""", await LoadedAsync(gateway, "mine"));

        // Away for one that chats, and back.
        Assert.Equal("Hello from talks .", (await gateway.ChatAsync("talks")).Content);
        Assert.Equal(200, (await gateway.PostAsync("/v1/embeddings", """{"model":"vectors-embedding","input":"hi"}""")).Status);
        await gateway.UntilRunningAsync(r => r is [{ Model: "vectors-embedding", State: "ready" }]);
    }

    [Fact]
    public async Task Route_OfAnotherUse_IsRefusedBeforeAnythingIsLoaded()
    {
        var gateway = await uses.GatewayAsync();
        await gateway.PostAsync("/api/models/unload", "");

        foreach (var (path, body, offers) in new[]
        {
            ("/v1/chat/completions", Gateway.ChatBody("mine"), "/v1/embeddings"), ("/v1/rerank", """{"model":"mine","query":"hi","documents":["hi"]}""", "/v1/embeddings"),
            ("/v1/embeddings", """{"model":"ranks","input":"hi"}""", "/v1/rerank"), ("/v1/images/edits", """{"model":"hears"}""", "/v1/audio/transcriptions, /v1/audio/translations"),
        })
        {
            var answer = await gateway.PostAsync(path, body);
            Assert.Equal((404, "not_found"), (answer.Status, answer.Code));
            Assert.EndsWith($" nothing else, so it has no {path}. It offers {offers}.", answer.Message, StringComparison.Ordinal);
        }

        Assert.Empty(await gateway.RunningAsync());
    }

    [Theory]
    [InlineData("/v1/embeddings", """{"model":"mine"}""", "input")]
    [InlineData("/rerank", """{"model":"ranks","query":"hi"}""", "documents")]
    [InlineData("/v1/rerank", """{"model":"ranks","query":"hi","documents":"hi"}""", "documents")]
    [InlineData("/v1/audio/speech", """{"model":"speaks","input":["hi"]}""", "input")]
    public async Task Body_WithoutWhatTheRouteIsFor_IsRefusedBeforeAnythingIsLoaded(string path, string body, string field)
    {
        var gateway = await uses.GatewayAsync();
        await gateway.PostAsync("/api/models/unload", "");

        var answer = await gateway.PostAsync(path, body);

        Assert.Equal((400, "invalid_request", field), (answer.Status, answer.Code, answer.Json.GetProperty("error").Text("param")));
        Assert.Empty(await gateway.RunningAsync());
    }

    [Fact]
    public async Task Rerank_Documents_AreScoredAndTheModelIsCalledAsTheClientDoes()
    {
        var gateway = await uses.GatewayAsync();
        var all = (await gateway.PostAsync("/rerank", """{"model":"ranks","query":"paris","documents":["cat dog","france","world"]}""")).Json;
        var best = (await gateway.PostAsync("/v1/rerank", """{"model":"ranks","query":"paris","documents":["cat dog","france","world"],"top_n":1,"return_documents":true}""")).Json;

        var scores = all.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("relevance_score").GetDouble()).ToList();
        Assert.Equal(("ranks", 3), (all.GetProperty("model").GetString(), scores.Count));
        Assert.Equal(scores.OrderDescending(), scores);
        Assert.Equal(all.GetProperty("results")[0].GetProperty("index").GetInt32(), best.GetProperty("results").EnumerateArray().Single().GetProperty("index").GetInt32());
        Assert.Equal($$"""{"reranker":"{{uses.PathOf("ranks")}}"}""", await LoadedAsync(gateway, "ranks"));
    }

    // The name is put into the form wherever it stands, or stands nowhere.
    [Fact]
    public async Task Transcription_FormsOfEveryKind_AreWrittenDownByTheOneModel()
    {
        var gateway = await uses.GatewayAsync();
        var client = new OpenAIClient(new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(gateway.Address, "/v1") }).GetAudioClient("hears");
        using var sound = new MemoryStream(Sound());

        var said = await client.TranscribeAudioAsync(sound, "sound.wav", cancellationToken: TestContext.Current.CancellationToken);
        using var form = new MultipartFormDataContent("the-boundary");
        using var file = new ByteArrayContent(Sound());
        file.Headers.ContentType = new MediaTypeHeaderValue("audio/wav");
        form.Add(file, "file", "sound.wav");
        using var text = new StringContent("text");
        form.Add(text, "response_format");
        using var name = new StringContent("hears");
        form.Add(name, "model");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/audio/transcriptions") { Content = form };
        var plain = await gateway.SendAsync(request);

        Assert.NotEmpty(said.Value.Text);
        Assert.Equal((200, said.Value.Text), (plain.Status, plain.Text));
        Assert.Equal($$"""{"stt":"{{uses.PathOf("hears")}}"}""", await LoadedAsync(gateway, "hears"));
    }

    // The engine lives on without a model that it could not load.
    [Fact]
    public async Task Launch_ModelThatTheEngineCannotLoad_FailsAtOnceWithWhatItSaid()
    {
        var gateway = await uses.GatewayAsync();
        var unlike = await gateway.PostAsync("/v1/embeddings", """{"model":"unlike","input":"hi"}""");

        Assert.Equal((503, "model_launch_failed"), (unlike.Status, unlike.Code));
        Assert.Contains("The runner of model 'unlike' cannot serve it: Unsupported embedding model: Missing ", unlike.Message, StringComparison.Ordinal);
        await gateway.UntilRunningAsync(r => r.All(m => m.Model != "unlike" || m.Pid is null));

        // What it needs may be there on another machine.
        var speaks = await gateway.PostAsync("/v1/audio/speech", """{"model":"speaks","input":"hi"}""");
        Assert.True(speaks.Status == 200 || speaks.Message.Contains($"No module named 'scipy'. Its Python lacks scipy; install it with: {TinyModels.MlxPython("MLXGATEWAY_TEST_MLX_PYTHON")} -m pip install scipy\n", StringComparison.Ordinal), speaks.Text);
    }

    // What the engine has in memory, by its word for the use.
    private static async Task<string> LoadedAsync(Gateway gateway, string model) => JsonSerializer.Serialize(
        (await gateway.GetAsync($"/upstream/{model}/health")).Json.GetProperty("loaded_models").EnumerateObject().ToDictionary(use => use.Name, use => use.Value.GetProperty("model").GetString()));

    // One second of a saw at 16 kHz.
    private static byte[] Sound()
    {
        using var wave = new MemoryStream();
        using var writer = new BinaryWriter(wave);
        writer.Write("RIFF"u8);
        writer.Write(36 + 32_000);
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write((short)1);
        writer.Write((short)1);
        writer.Write(16_000);
        writer.Write(32_000);
        writer.Write((short)2);
        writer.Write((short)16);
        writer.Write("data"u8);
        writer.Write(32_000);
        for (var i = 0; i < 16_000; i++)
        {
            writer.Write((short)((i * 997 % 20_000) - 10_000));
        }

        return wave.ToArray();
    }
}
