using Microsoft.Extensions.DependencyInjection;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>What is found where, and what it is called.</summary>
public sealed class DiscoveryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Folders_ModelsInMlxForm_AreCalledAfterTheirFoldersAndAsManyParentsAsTellThemApart()
    {
        Mlx("models/one");
        Mlx("models/deep/er/two");
        Mlx("models/a/same");
        Mlx("models/b/same");
        _folder.Write("models/gguf/three.gguf", TinyModels.Gguf());

        var models = Look(_folder.Settings(folders: ["models"], offered: ["mlx_lm", "llama_server"]));

        Assert.Equal(["a/same mlx_lm", "b/same mlx_lm", "one mlx_lm", "three llama_server", "two mlx_lm"], models.Select(model => $"{model.Id} {model.Runner}"));
        Assert.All(models, model => Assert.Null(model.Missing));
        Assert.Equal(_folder.In("models/one"), models[2].Path);
    }

    [Fact]
    public void Folders_PartsOfAnImageGeneratorAndAdapters_AreNoModels()
    {
        _folder.Write("models/painter/model_index.json", "{}");
        Mlx("models/painter/text_encoder");
        _folder.Write("models/lora/config.json", TinyModels.Config);
        _folder.Write("models/lora/adapter_config.json", "{}");
        _folder.Write("models/lora/adapters.safetensors", TinyModels.Safetensors("a"));
        _folder.Write("models/lora.gguf", new Facts.GgufWriter().With("general.architecture", "llama").With("general.type", "adapter").Tensor("a", Facts.GgufWriter.F32, 4).Build());

        Assert.Empty(Look(_folder.Settings(folders: ["models"], offered: ["mlx_lm", "mlx_vlm", "llama_server"])));
    }

    [Fact]
    public void Folders_ModelsThatCannotChat_AreListedIfLlamaServerServesThem()
    {
        _folder.Write("models/embeds.gguf", new Facts.GgufWriter().With("general.architecture", "bert").With("bert.pooling_type", 1u).Tensor("a", Facts.GgufWriter.F32, 4).Build());
        _folder.Write("models/ranks.gguf", new Facts.GgufWriter().With("general.architecture", "bert").With("bert.pooling_type", 4u).Tensor("a", Facts.GgufWriter.F32, 4).Build());
        Mlx("models/mlx-embeds", """{"architectures":["BertModel"],"model_type":"bert"}""");

        var models = Look(_folder.Settings(folders: ["models"], offered: ["mlx_lm", "llama_server"]));

        Assert.Equal([("embeds", ModelUse.Embedding), ("ranks", ModelUse.Reranking)], models.Select(model => (model.Id, model.Facts!.Use)));
    }

    [Theory]
    [InlineData("""{"architectures":["BertModel"],"model_type":"bert"}""", ModelUse.Embedding)]
    [InlineData("""{"architectures":["BertForSequenceClassification"],"model_type":"bert","num_labels":1}""", ModelUse.Reranking)]
    [InlineData("""{"model_type":"whisper"}""", ModelUse.Transcription)]
    [InlineData("""{"model_type":"kokoro"}""", ModelUse.Speech)]
    [InlineData("""{"architectures":["MPNetModel"],"model_type":"mpnet"}""", null)] // no code for it there
    [InlineData("""{"model_type":"vits"}""", null)]
    [InlineData("""{"architectures":["BertForSequenceClassification"],"model_type":"bert","num_labels":5}""", null)]
    public void Folders_ModelsInMlxFormThatCannotChat_AreListedIfMlxVlmServesThem(string config, ModelUse? use)
    {
        Mlx("models/one", config);

        Assert.Equal(use is null ? [] : [("one", "mlx_vlm", use)], Look(_folder.Settings(folders: ["models"], offered: ["mlx_lm", "mlx_vlm"])).Select(model => (model.Id, model.Runner, (ModelUse?)model.Facts!.Use)));
        Assert.Empty(Look(_folder.Settings(folders: ["models"], offered: ["mlx_lm"])));
    }

    [Fact]
    public void ImageGenerator_OfADesignThatMlxVlmHas_IsOneModelOfTheBytesOfItsParts()
    {
        _folder.Write("models/painter/model_index.json", """{"_class_name":"ZImagePipeline"}""");
        _folder.Write("models/painter/all-in-one.safetensors", TinyModels.Safetensors("a"));
        foreach (var (name, bytes) in TinyModels.Mlx())
        {
            _folder.Write($"models/painter/text_encoder/{name}", bytes);
        }

        _folder.Write("models/painter/transformer/diffusion_pytorch_model.safetensors", TinyModels.Safetensors("a"));
        var settings = _folder.Settings(folders: ["models"], offered: ["mlx_lm", "mlx_vlm"]);

        var model = Assert.Single(Look(settings));
        Assert.Equal(("painter", "mlx_vlm", ModelUse.Images, 3 * 64L, null), (model.Id, model.Runner, model.Facts!.Use, model.FileBytes!.Value.Bytes, model.Missing));

        // A part that is cut off is seen, and seen again when it is whole.
        _folder.Write("models/painter/transformer/diffusion_pytorch_model.safetensors", TinyModels.Safetensors("a")[..^8]);
        Assert.Contains("in transformer, ", Assert.Single(Look(settings)).Missing, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".lmstudio/models")]
    [InlineData(".cache/lm-studio/models")]
    [InlineData("elsewhere")] // by its settings
    [InlineData("moved/models")] // by the pointer to its home
    public void LmStudio_ItsFolders_AreFoundAndTheirModelsCalledAsOnTheHub(string place)
    {
        _folder.Write("home/.lmstudio/settings.json", $$"""{"downloadsFolder":"{{_folder.In("home/elsewhere")}}"}""");
        _folder.Write("home/.lmstudio-home-pointer", _folder.In("home/moved"));
        _folder.Write($"home/{place}/org/One-GGUF/one-Q4.gguf", TinyModels.Gguf());
        _folder.Write($"home/{place}/org/Two-GGUF/two-Q4.gguf", TinyModels.Gguf());
        _folder.Write($"home/{place}/org/Two-GGUF/two-Q8.gguf", TinyModels.Gguf());
        _folder.Write($"home/{place}/org/Cut-GGUF/cut.gguf", TinyModels.Gguf()[..^8]);
        Mlx($"home/{place}/org/mlx");
        var settings = _folder.Settings(offered: ["mlx_lm", "llama_server"]);

        var models = Look(settings);

        Assert.Equal(["org/Cut-GGUF", "org/One-GGUF", "org/Two-GGUF/two-Q4", "org/Two-GGUF/two-Q8", "org/mlx"], models.Select(model => model.Id));
        Assert.EndsWith("Fetch it with: lms get org/Cut-GGUF", models[0].Missing, StringComparison.Ordinal);
        Assert.Empty(Look(settings with { Discovery = new DiscoveryOptions { LmStudio = false } }));
    }

    [Fact]
    public void FileOfTwoSources_IsOneModelThatBothNamesLeadTo()
    {
        _folder.RepositoryOf("org/one", [("one.gguf", TinyModels.Gguf())]);
        _folder.RepositoryOf("org/two", [("two.gguf", TinyModels.Gguf("qwen3"))]);
        var blob = new FileInfo(Path.Combine(_folder.Cache, "models--org--two/snapshots/c0ffee/two.gguf")).ResolveLinkTarget(true)!.FullName;
        Directory.CreateDirectory(_folder.In("models"));
        File.CreateSymbolicLink(_folder.In("models/linked.gguf"), blob);
        Directory.CreateSymbolicLink(_folder.In("again"), _folder.In("models"));

        var models = Look(_folder.Settings(new() { ["mine"] = new() { Source = "org/one" } }, folders: ["models", "again"]), out var catalog);

        Assert.Equal(["mine", "org/two"], models.Select(model => model.Id));
        Assert.Same(models[0], catalog.Current.Resolve("org/one"));
        Assert.Same(models[1], catalog.Current.Resolve("linked"));
    }

    [Fact]
    public void Configured_Model_HasTheFactsOfItsFiles()
    {
        var file = _folder.Write("x.gguf", TinyModels.Gguf("gemma3"));

        Assert.Equal("gemma3", Assert.Single(Look(_folder.Settings(new() { ["x"] = new() { Source = file } }))).Facts?.Architecture);
    }

    private void Mlx(string relative, string config = TinyModels.Config)
    {
        foreach (var (name, bytes) in TinyModels.Mlx(config))
        {
            _folder.Write($"{relative}/{name}", bytes);
        }
    }

    private static IReadOnlyList<ModelSpec> Look(ModelSettings settings) => Look(settings, out _);

    private static IReadOnlyList<ModelSpec> Look(ModelSettings settings, out ModelCatalog catalog)
    {
        catalog = new ServiceCollection().AddLogging().AddModels().BuildServiceProvider().GetRequiredService<ModelCatalog>();
        var errors = new SettingsErrors();
        Assert.True(catalog.TryAdopt(settings, errors), string.Join('\n', errors.All));
        return catalog.Current.Models;
    }
}
