using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>What arguments of <c>llama-server</c> do to a model as the catalog knows it.</summary>
public sealed class LlamaFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Files_ThatArgumentsName_AreKnownWithTheirBytesAndWhatADraftSays()
    {
        _folder.Write("work/a.lora", 100);
        _folder.Write("work/b,c.lora", 20);
        _folder.Write("work/d.lora", 3);
        _folder.Write("work/draft.gguf", TinyModels.Gguf("qwen3"));
        var model = Model("--lora a.lora,d.lora --lora b,c.lora --lora-scaled a.lora:0.5,d.lora:1 --control-vector d.lora -md draft.gguf");

        Assert.Equal(
            [(Attachment.Draft, "draft.gguf", TinyModels.Gguf("qwen3").Length), (Attachment.Adapter, "a.lora", 100), (Attachment.Adapter, "d.lora", 3), (Attachment.Adapter, "b,c.lora", 20)],
            model.Attached.Select(file => (file.As, Path.GetFileName(file.Path), (int)file.Bytes!.Value.Bytes)));
        Assert.Equal("qwen3", model.Attached[0].Facts!.Architecture);
        Assert.Null(model.Missing);
    }

    [Theory]
    [InlineData("--lora nowhere.gguf", "nowhere.gguf does not exist or is empty. It is named in Args.")]
    [InlineData("--lora-scaled nowhere.gguf:0.5", "nowhere.gguf does not exist or is empty. It is named in Args.")]
    [InlineData("--control-vector nowhere.gguf", "nowhere.gguf does not exist or is empty. It is named in Args.")]
    [InlineData("--spec-draft-model=nowhere.gguf", "nowhere.gguf does not exist or is empty. It is named in Args.")]
    [InlineData("-md part-00001-of-00002.gguf", "part-00001-of-00002.gguf does not exist or is empty. It is named in Args.")]
    [InlineData("--mmproj nowhere.gguf", "nowhere.gguf does not exist or is empty. It is named in Args.")]
    [InlineData("--mmproj nowhere.gguf --no-mmproj", null)]
    public void File_ThatIsNotThere_IsMissingBeforeAnythingIsLaunched(string args, string? expected)
    {
        var missing = Model(args).Missing;

        Assert.Equal(expected is null, missing is null);
        Assert.EndsWith(expected ?? "", missing ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Projector_ThatArgumentsNameOrForbid_IsTheOnlyOneThatCounts()
    {
        var eyes = new GgufWriter().With("general.architecture", "clip").With("clip.has_vision_encoder", true).Tensor("v.x", GgufWriter.F32, 4).Build();
        _folder.Write("models/mmproj.gguf", eyes);
        _folder.Write("work/other.gguf", eyes);

        var beside = Model("");
        Assert.Equal((_folder.In("models/mmproj.gguf"), "text image"), (beside.Projector, string.Join(' ', beside.Modalities)));
        var named = Model("-mm other.gguf");
        Assert.Equal((null, "text image", Attachment.Projector), (named.Projector, string.Join(' ', named.Modalities), named.Attached.Single().As));
        var without = Model("--no-mmproj");
        Assert.Equal((null, "text"), (without.Projector, string.Join(' ', without.Modalities)));
    }

    [Theory]
    [InlineData("--port 1", "Args: \"--port\" cannot be given to llama-server here: the gateway starts each runner on a port of its own")]
    [InlineData("--host=0.0.0.0", "Args: \"--host\"")]
    [InlineData("-m x.gguf", "Args: \"-m\" cannot be given to llama-server here: the gateway says which model is loaded; name it in \"Source\".")]
    [InlineData("-hf org/x", "Args: \"-hf\"")]
    [InlineData("-a other", "Args: \"-a\"")]
    [InlineData("--api_prefix /x", "Args: \"--api-prefix\"")]
    [InlineData("--models-dir /x", "Args: \"--models-dir\"")]
    [InlineData("--ssl-cert-file x", "Args: \"--ssl-cert-file\"")]
    [InlineData("--sleep-idle-seconds 5", "Args: \"--sleep-idle-seconds\" cannot be given to llama-server here: a runner that gives up its model by itself is still counted with it; write \"IdleTimeout\".")]
    [InlineData("--gpt-oss-20b-default", "Args: \"--gpt-oss-20b-default\"")]
    [InlineData("--version", "Args: \"--version\"")]
    [InlineData("LLAMA_ARG_PORT", "Env:LLAMA_ARG_PORT: cannot be given")]
    [InlineData("-c 4096 --lora x --spec-default --embeddings", null)]
    public void Arguments_ThatTheGatewayDecides_AreErrorsThatNameTheKey(string args, string? expected)
    {
        var errors = new SettingsErrors();
        ModelRules.Check(_folder.Settings(new() { ["m"] = Options(args) }), errors, TemporaryFolder.Lenient);

        Assert.Equal(expected is null ? 0 : 1, errors.All.Count);
        Assert.All(errors.All, error => Assert.StartsWith($"MlxGateway:Models:m:{expected}", error.ToString(), StringComparison.Ordinal));
    }

    private ModelSpec Model(string args)
    {
        _folder.Write("models/m.gguf", TinyModels.Gguf());
        Directory.CreateDirectory(_folder.In("work"));
        return Assert.Single(new ConfiguredModels(new FactsCache()).Read(_folder.Settings(new() { ["m"] = Options(args) })));
    }

    private ModelOptions Options(string args) => new()
    {
        Source = _folder.In("models/m.gguf"), WorkingDirectory = _folder.In("work"), Args = [.. args.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(arg => !arg.StartsWith("LLAMA", StringComparison.Ordinal))],
        Env = args.StartsWith("LLAMA", StringComparison.Ordinal) ? new() { [args] = "1" } : [],
    };
}
