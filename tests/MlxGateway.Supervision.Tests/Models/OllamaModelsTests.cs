using System.Security.Cryptography;
using System.Text.Json;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class OllamaModelsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("home/.ollama/models", null)]
    [InlineData("shared/ollama/.ollama/models", null)]
    [InlineData("chosen", "chosen")]
    public void Read_Manifests_AreModelsByTheNamesOfOllama(string root, string? chosen)
    {
        _folder.Variables["OLLAMA_MODELS"] = chosen is null ? "" : _folder.In(chosen);
        var blob = Blob(root, TinyModels.Gguf());
        Manifest(root, "registry.ollama.ai/library/llama3.2/3b", ("template", Blob(root, "hi"u8.ToArray())), ("model", blob));
        Manifest(root, "registry.ollama.ai/somebody/mine/latest", ("model", blob));
        Manifest(root, "hf.co/org/Name-GGUF/Q4_K_M", ("model", blob));

        var models = Read();

        Assert.Equal(["hf.co/org/Name-GGUF:Q4_K_M", "llama3.2:3b", "somebody/mine:latest"], models.Select(model => model.Id).Order(StringComparer.Ordinal));
        Assert.All(models, model => Assert.Equal((_folder.In($"{root}/blobs/{blob.Replace(':', '-')}"), null, "llama_server"), (model.Path, model.Missing, model.Runner)));
        Assert.All(models, model => Assert.Equal("llama", model.Facts?.Architecture));
    }

    [Fact]
    public void Read_ProjectorAndAdapter_AreLaunchedWithIt()
    {
        const string Root = "home/.ollama/models";
        var projector = Blob(Root, new Facts.GgufWriter().With("general.architecture", "clip").With("clip.has_vision_encoder", true).Tensor("v", Facts.GgufWriter.F32, 8).Build());
        var adapter = Blob(Root, [1, 2, 3]);
        Manifest(Root, "registry.ollama.ai/library/sees/latest", ("model", Blob(Root, TinyModels.Gguf())), ("projector", projector), ("adapter", adapter));

        var model = Assert.Single(Read());

        Assert.Equal("text,image", string.Join(',', model.Modalities));
        Assert.Equal(_folder.In($"{Root}/blobs/{projector.Replace(':', '-')}"), model.Projector);
        Assert.Equal(["--lora", _folder.In($"{Root}/blobs/{adapter.Replace(':', '-')}")], model.Args);
    }

    [Fact]
    public void Read_BlobThatIsMissingOrCut_IsIncompleteWithTheCommandThatFetchesIt()
    {
        const string Root = "home/.ollama/models";
        var cut = Blob(Root, TinyModels.Gguf());
        Manifest(Root, "registry.ollama.ai/library/cut/1b", ("model", cut));
        File.WriteAllBytes(_folder.In($"{Root}/blobs/{cut.Replace(':', '-')}"), TinyModels.Gguf()[..^10]);
        Manifest(Root, "registry.ollama.ai/library/gone/1b", ("model", "sha256:" + new string('a', 64)));

        var models = Read().OrderBy(model => model.Id, StringComparer.Ordinal).ToList();

        Assert.Equal(["cut:1b", "gone:1b"], models.Select(model => model.Id));
        Assert.All(models, model => Assert.Null(model.Path));
        Assert.All(models, model => Assert.EndsWith($". Fetch it with: ollama pull {model.Id}", model.Missing, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{"layers":7}""")]
    [InlineData("""{"layers":[7,null,{},{"mediaType":7,"digest":"sha256:x"}]}""")]
    [InlineData("""{"layers":[{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:../../../../etc/passwd"}]}""")]
    [InlineData("""{"layers":[{"mediaType":"application/vnd.ollama.image.tensor","digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}]}""")]
    [InlineData("""{"\ud800":1,"layers":[{"mediaType":"\ud800"}]}""")]
    public void Read_NotAManifestOfAGguf_IsNoModel(string text)
    {
        _folder.Write("home/.ollama/models/manifests/registry.ollama.ai/library/x/latest", text);

        Assert.Empty(Read());
    }

    [Fact]
    public void Read_SwitchedOff_FindsNothing()
    {
        Manifest("home/.ollama/models", "registry.ollama.ai/library/x/latest", ("model", Blob("home/.ollama/models", TinyModels.Gguf())));

        Assert.Single(Read());
        Assert.Empty(new OllamaModels(new FactsCache()).Read(_folder.Settings() with { Discovery = new DiscoveryOptions { Ollama = false } }));
        Assert.Empty(new OllamaModels(new FactsCache()).Read(_folder.Settings(offered: ["mlx_lm"])));
    }

    private IReadOnlyList<ModelSpec> Read() => new OllamaModels(new FactsCache()).Read(_folder.Settings());

    private string Blob(string root, byte[] bytes)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        _folder.Write($"{root}/blobs/sha256-{hash}", bytes);
        return $"sha256:{hash}";
    }

    private void Manifest(string root, string name, params (string Kind, string Digest)[] layers) => _folder.Write($"{root}/manifests/{name}", JsonSerializer.Serialize(new
    {
        schemaVersion = 2,
        layers = layers.Select(layer => new
        {
            mediaType = $"application/vnd.ollama.image.{layer.Kind}",
            digest = layer.Digest,
            size = new FileInfo(_folder.In($"{root}/blobs/{layer.Digest.Replace(':', '-')}")) is { Exists: true } file ? file.Length : 1000,
        }),
    }));
}
