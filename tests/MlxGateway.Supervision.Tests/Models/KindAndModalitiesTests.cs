using Microsoft.Extensions.DependencyInjection;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>Which kind serves a model by itself, and what it can then be sent.</summary>
public sealed class KindAndModalitiesTests : IDisposable
{
    private const string Seeing = """{"architectures":["Gemma3ForConditionalGeneration"],"vision_config":{}}""";
    private readonly TemporaryFolder _folder = new();
    private readonly ModelCatalog _catalog = new ServiceCollection().AddLogging().AddSingleton(TemporaryFolder.Lenient).AddModels().BuildServiceProvider().GetRequiredService<ModelCatalog>();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("mlx_lm,mlx_vlm", "mlx_vlm", "text,image")]
    [InlineData("mlx_lm", "mlx_lm", "text")] // which drops the eyes
    [InlineData("llama_server", "mlx_vlm", "text,image")] // its launch says what to install
    public void Configured_ModelThatSees_IsServedByWhatIsThere(string offered, string runner, string modalities)
    {
        _folder.Repository("org/sees", ("model.safetensors", 10));
        _folder.RepositoryText("org/sees", "config.json", Seeing);
        Adopt(_folder.Settings(new() { ["x"] = new() { Source = "org/sees" } }, offered: offered.Split(',')));

        var model = _catalog.Current.Resolve("x")!;
        Assert.Equal((runner, modalities), (model.Runner, string.Join(',', model.Modalities)));
    }

    [Theory]
    [InlineData("mlx_lm,mlx_vlm")]
    [InlineData("mlx_lm")] // mlx_lm could not even load it; the launch says what to install
    public void Configured_ModelThatMakesVectors_IsNeverServedByMlxLm(string offered)
    {
        _folder.Write("m/config.json", """{"architectures":["BertModel"],"model_type":"bert"}""");
        _folder.Write("m/model.safetensors", 10);
        Adopt(_folder.Settings(new() { ["x"] = new() { Source = "m" } }, offered: offered.Split(',')));

        Assert.Equal("mlx_vlm", _catalog.Current.Resolve("x")!.Runner);
    }

    [Fact]
    public void Configured_Runner_WinsOverTheFiles()
    {
        _folder.Write("m/config.json", Seeing);
        _folder.Write("m/model.safetensors", 10);
        Adopt(_folder.Settings(new() { ["x"] = new() { Source = "m", Runner = "mlx_lm" } }, offered: ["mlx_lm", "mlx_vlm"]));

        Assert.Equal("mlx_lm", _catalog.Current.Resolve("x")!.Runner);
        Assert.Equal(["text"], _catalog.Current.Resolve("x")!.Modalities);
    }

    [Theory]
    [InlineData("x.gguf", "llama_server")]
    [InlineData("mlc-chat-config.json", "mlc_llm")]
    [InlineData("readme.md", "mlx_lm")]
    public void Configured_FolderWithoutARunner_IsServedByWhatItsFilesAreFor(string file, string runner)
    {
        _folder.Write($"m/{file}", 10);
        Adopt(_folder.Settings(new() { ["x"] = new() { Source = "m" } }));

        Assert.Equal(runner, _catalog.Current.Resolve("x")!.Runner);
    }

    [Fact]
    public void Cache_ModelsInMlxForm_AreEachWithTheirKindAndWhatCannotChatIsNotListed()
    {
        foreach (var (id, config) in new[]
        {
            ("org/text", """{"architectures":["Qwen3ForCausalLM"]}"""),
            ("org/sees", Seeing),
            ("org/hears", """{"architectures":["Gemma3nForConditionalGeneration"],"vision_config":{},"audio_config":{}}"""),
            ("org/embedder", """{"architectures":["BertModel"]}"""),
            ("org/reranker", """{"architectures":["Qwen3ForSequenceClassification"]}"""),
        })
        {
            _folder.Repository(id, ("model.safetensors", 10));
            _folder.RepositoryText(id, "config.json", config);
        }

        _folder.Repository("org/adapter", ("adapters.safetensors", 10), ("adapter_config.json", 2), ("config.json", 2));

        Adopt(_folder.Settings(offered: ["mlx_lm", "mlx_vlm"]));

        Assert.Equal(
            ["org/hears mlx_vlm text,image,audio", "org/sees mlx_vlm text,image", "org/text mlx_lm text"],
            _catalog.Current.Models.Select(model => $"{model.Id} {model.Runner} {string.Join(',', model.Modalities)}"));
    }

    [Fact]
    public void Gguf_ProjectorBesideIt_SeesAndWeighsBoth()
    {
        _folder.Repository("org/one", ("gemma-3-4b-it-Q4_K_M.gguf", 100), ("mmproj-model-f16.gguf", 11));
        var file = _folder.Write("models/a/tiny-Q8_0.gguf", 100);
        var projector = _folder.Write("models/a/tiny-mmproj-f16.gguf", 7);
        Adopt(_folder.Settings(new() { ["x"] = new() { Source = file } }, folders: ["models"]));

        foreach (var (id, bytes) in new[] { ("org/one", 111), ("tiny-Q8_0", 107), ("x", 107) })
        {
            var model = _catalog.Current.Resolve(id)!;
            Assert.Equal("text,image", string.Join(',', model.Modalities));
            Assert.Equal(new ByteSize(bytes), model.FileBytes);
        }

        Assert.Equal(projector, _catalog.Current.Resolve("x")!.Projector);
        Assert.Null(_catalog.Current.Resolve("tiny-mmproj-f16"));
    }

    [Fact]
    public void Gguf_ProjectorAmongDifferentModels_BelongsToNone()
    {
        _folder.Write("models/llama-3-8b.gguf", 10);
        _folder.Write("models/qwen3-4b.gguf", 10);
        _folder.Write("models/mmproj-qwen.gguf", 10);
        Adopt(_folder.Settings(folders: ["models"]));

        Assert.All(_catalog.Current.Models, model => Assert.Equal((new ByteSize(10), null, "text"), (model.FileBytes!.Value, model.Projector, string.Join(',', model.Modalities))));
    }

    [Fact]
    public void Gguf_ProjectorBesideQuantisationsOfOneModel_BelongsToEach()
    {
        _folder.Write("models/gemma-3-4b-it-Q4_K_M.gguf", 10);
        _folder.Write("models/gemma-3-4b-it-Q8_0.gguf", 20);
        _folder.Write("models/mmproj-F16.gguf", 1);
        Adopt(_folder.Settings(folders: ["models"]));

        Assert.Equal([new ByteSize(11), new ByteSize(21)], _catalog.Current.Models.Select(model => model.FileBytes!.Value));
    }

    [Fact]
    public void Gguf_EmptyFileBesideAProjector_IsMissing()
    {
        _folder.Write("m/x.gguf", 0);
        _folder.Write("m/mmproj-x.gguf", 10);
        Adopt(_folder.Settings(new() { ["x"] = new() { Source = "m/x.gguf" } }));

        Assert.Contains("does not exist or is empty", _catalog.Current.Resolve("x")!.Missing, StringComparison.Ordinal);
        Assert.Null(_catalog.Current.Resolve("x")!.Projector);
    }

    private void Adopt(ModelSettings settings)
    {
        var errors = new SettingsErrors();
        Assert.True(_catalog.TryAdopt(settings, errors), string.Join('\n', errors.All));
    }
}
