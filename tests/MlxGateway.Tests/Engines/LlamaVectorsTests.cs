using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>Models that make vectors or ranks, and what goes with a model, on the real <c>llama-server</c> through the gateway. Nothing about them is configured but their files.</summary>
public sealed class LlamaVectorsTests : IDisposable
{
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-models-");

    public void Dispose() => _models.Delete(recursive: true);

    [Fact]
    public async Task Models_OfVectorsAndRanks_ServeWhatTheyAreForAndSaySo()
    {
        _ = TinyModels.LlamaServer;
        await TinyModels.WritePartAsync("embedder", PathOf("vectors"), "--context", "2048");
        await TinyModels.WritePartAsync("reranker", PathOf("ranks"));
        await using var gateway = await StartAsync($$"""
            "vectors": {"Source":"{{PathOf("vectors")}}"},
            "ranks": {"Source":"{{PathOf("ranks")}}"}
            """);

        // They are said to be what they are before anything is loaded.
        var listed = (await gateway.GetAsync("/v1/models")).Json.GetProperty("data").EnumerateArray().ToDictionary(model => model.GetProperty("id").GetString()!);
        Assert.Equal(("embedding", "rerank"), (listed["vectors"].GetProperty("capabilities")[0].GetString(), listed["ranks"].GetProperty("capabilities")[0].GetString()));

        // What they cannot do is refused at no cost.
        var chat = await gateway.ChatAsync("vectors");
        Assert.Equal((404, "not_found"), (chat.Status, chat.Code));
        Assert.StartsWith("Model 'vectors' makes vectors of texts and nothing else, so it has no /v1/chat/completions. It offers ", chat.Message, StringComparison.Ordinal);
        var vectorsOfRanks = await gateway.PostAsync("/v1/embeddings", """{"model":"ranks","input":"a"}""");
        Assert.StartsWith("Model 'ranks' ranks texts and does nothing else, so it has no /v1/embeddings.", vectorsOfRanks.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(await gateway.RunningAsync(), model => model.State != "absent");

        // Each in one step, however long it is: a step is 512 tokens where nobody says otherwise.
        var answer = await gateway.PostAsync("/v1/embeddings", $$"""{"model":"vectors","input":["a b","{{string.Concat(Enumerable.Repeat("a ", 2000))}}"]}""");
        Assert.Equal((200, 2), (answer.Status, answer.Json.GetProperty("data").GetArrayLength()));
        Assert.Contains(answer.Json.GetProperty("data")[0].GetProperty("embedding").EnumerateArray(), value => value.GetDouble() != 0);
        var ranked = await gateway.PostAsync("/v1/rerank", """{"model":"ranks","query":"a","documents":["b","c d"]}""");
        Assert.Equal((200, 2), (ranked.Status, ranked.Json.GetProperty("results").GetArrayLength()));
    }

    [Fact]
    public async Task Files_ThatAModelGoesWith_AreCountedAndMissedBeforeALoad()
    {
        _ = TinyModels.LlamaServer;
        Assert.SkipUnless(TinyModels.CanServeGguf, "Needs the generator of tiny models: set MLXGATEWAY_TEST_TINY_MODEL to its path.");
        await TinyModels.WriteAsync(PathOf("writer"));
        await TinyModels.WritePartAsync("lora", PathOf("lora"), "--feed-forward", "64", "--rank", "512");
        await using var gateway = await StartAsync($$"""
            "adapted": {"Source":"{{PathOf("writer")}}","Args":["--lora","{{PathOf("lora")}}"]},
            "lacking": {"Source":"{{PathOf("writer")}}","Args":["-md","{{PathOf("nowhere")}}"]}
            """);

        Assert.Equal("Hello from writer .", (await gateway.ChatAsync("adapted")).Content);
        var parts = (await gateway.GetAsync("/v1/models/adapted")).Json.GetProperty("memory").GetProperty("parts").EnumerateArray();
        Assert.Equal(new FileInfo(PathOf("lora")).Length, parts.Single(part => part.GetProperty("name").GetString() == "adapters").GetProperty("bytes").GetInt64());
        var lacking = await gateway.ChatAsync("lacking");
        Assert.Equal((404, "model_files_missing"), (lacking.Status, lacking.Code));
        Assert.Contains($"{PathOf("nowhere")} does not exist or is empty. It is named in Args.", lacking.Message, StringComparison.Ordinal);
    }

    private static Task<Gateway> StartAsync(string models) => Gateway.StartAsync(models, $$"""
        "Engines":{"llama_server":{"Executable":"{{TinyModels.LlamaServer}}" },{{Gateway.NoPythons}}}
        """);

    private string PathOf(string model) => Path.Combine(_models.FullName, $"{model}.gguf");
}
