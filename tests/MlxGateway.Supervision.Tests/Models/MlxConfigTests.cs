using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>What a configuration, or what is in its place, makes of a model.</summary>
[SupportedOSPlatform("linux")]
[SupportedOSPlatform("macos")]
public sealed class MlxConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""{"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3"}""", "", false, false)]
    [InlineData("""{"architectures":["Gemma3ForConditionalGeneration"],"image_token_index":262144,"vision_config":{"model_type":"siglip_vision_model"}}""", "", true, false)]
    [InlineData("""{"architectures":["Gemma3nForConditionalGeneration"],"vision_config":{},"audio_config":{},"image_token_id":262145}""", "preprocessor_config.json", true, true)]
    [InlineData("""{"architectures":["Qwen3OmniMoeForConditionalGeneration"],"thinker_config":{"audio_config":{},"vision_config":{}}}""", "", true, true)]
    [InlineData("""{"architectures":["Qwen2AudioForConditionalGeneration"],"audio_config":{}}""", "preprocessor_config.json", false, true)]
    [InlineData("""{"architectures":["Phi3VForCausalLM"],"img_processor":{"name":"clip_vision_model"}}""", "preprocessor_config.json", true, false)]
    [InlineData("""{"architectures":["MiniCPMVForConditionalGeneration"],"image_token_id":7}""", "processor_config.json", true, false)]
    [InlineData("""{"architectures":["Gemma3ForConditionalGeneration"],"image_token_index":262144}""", "", false, false)] // converted to text alone
    [InlineData("""{"architectures":["Qwen3_5ForConditionalGeneration"],"vision_config":null}""", "", false, false)]
    [InlineData("""{"architectures":["Qwen3_5ForConditionalGeneration"],"vision_config":{},"language_model_only":true}""", "processor_config.json", false, false)]
    [InlineData("""{"architectures":["LlamaForCausalLM"]}""", "preprocessor_config.json", false, false)] // somebody's leftover
    [InlineData("""{"architectures":["Mamba2ForCausalLM"],"time_step_limit":[0.0,Infinity],"vision_config":{}}""", "", true, false)]
    public void Read_Folder_SeesAndHears(string config, string besides, bool sees, bool hears)
    {
        _folder.Write("m/config.json", config);
        if (besides.Length > 0)
        {
            _folder.Write($"m/{besides}", "{}");
        }

        Assert.Equal((sees, hears, true), Read(_folder.In("m")));
    }

    [Theory]
    [InlineData("""["BertModel"]""", false)]
    [InlineData("""["XLMRobertaModel"]""", false)]
    [InlineData("""["Gemma3TextModel"]""", false)]
    [InlineData("""["Qwen3ForSequenceClassification"]""", false)]
    [InlineData("""["ModernBertForMaskedLM"]""", false)]
    [InlineData("""["BertForTokenClassification"]""", false)]
    [InlineData("""["GPT2LMHeadModel"]""", true)]
    [InlineData("""["InternVLChatModel"]""", true)]
    [InlineData("""["ChatGLMModel"]""", true)]
    [InlineData("""[]""", true)]
    [InlineData("""[7,null,{}]""", true)]
    [InlineData("""7""", true)]
    public void Read_Architectures_SayWhetherItGenerates(string architectures, bool generates)
    {
        _folder.Write("m/config.json", $$"""{"architectures":{{architectures}}}""");

        Assert.Equal(generates, Read(_folder.In("m")).Generates);
    }

    [Theory]
    [InlineData("modules.json")]
    [InlineData("1_Pooling/config.json")]
    [InlineData("adapter_config.json")]
    public void Read_FilesOfEmbeddersAndAdapters_SayThatItDoesNotGenerate(string name)
    {
        _folder.Write("m/config.json", """{"architectures":["Qwen3ForCausalLM"]}""");
        _folder.Write("m/adapters.safetensors", 10);
        Assert.True(Read(_folder.In("m")).Generates);

        _folder.Write($"m/{name}", "{}");

        Assert.False(Read(_folder.In("m")).Generates);
    }

    [Fact]
    public void Read_AdapterThatWasFusedIntoItsModel_Generates()
    {
        _folder.Write("m/config.json", "{}");
        _folder.Write("m/adapter_config.json", "{}");
        _folder.Write("m/model-00001-of-00001.safetensors", 10);

        Assert.True(Read(_folder.In("m")).Generates);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"vision_config":{}""")]
    [InlineData("""{"architectures":["\ud800"]}""")]
    [InlineData("""{"\ud800":1,"vision_config_":{},"thinker_config":[]}""")]
    [InlineData("\u0000\u0000\u0000")]
    public void Read_NotAConfiguration_IsTakenForText(string text)
    {
        _folder.Write("m/config.json", text);

        Assert.Equal((false, false, true), Read(_folder.In("m")));
    }

    [Fact(Timeout = 60_000)]
    public async Task Read_HostileFiles_NeitherThrowsNorBlocksNorReadsThemWhole()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"thinker_config":""", 10_000)) + "1" + new string('}', 10_000);
        _folder.Write("deep/config.json", deep);
        _folder.Write("nested-arrays/config.json", new string('[', 100_000));
        _folder.Write("bytes/config.json", 0);
        File.WriteAllBytes(_folder.In("bytes/config.json"), [0xFF, 0xFE, 0xD8, 0x00, 0x80, 0xC0]);
        Sparse("sparse/config.json", 2L << 30);
        Directory.CreateDirectory(_folder.In("pipe"));
        Assert.Equal(0, MakePipe(_folder.In("pipe/config.json"), 0x1B6));
        Directory.CreateDirectory(_folder.In("loop"));
        File.CreateSymbolicLink(_folder.In("loop/config.json"), "config.json");
        Directory.CreateDirectory(_folder.In("device"));
        File.CreateSymbolicLink(_folder.In("device/config.json"), "/dev/zero");
        Directory.CreateDirectory(_folder.In("folder/config.json"));
        _folder.Write("locked/config.json", """{"architectures":["BertModel"]}""");
        File.SetUnixFileMode(_folder.In("locked"), UnixFileMode.None);

        var before = GC.GetTotalAllocatedBytes();
        var read = await Task.Run(
            () => new[] { "deep", "nested-arrays", "bytes", "sparse", "pipe", "loop", "device", "folder", "gone", "a\0b" }.Select(name => Read(_folder.In(name))).ToList(),
            TestContext.Current.CancellationToken);
        _ = Read(_folder.In("locked")); // root reads it nevertheless
        File.SetUnixFileMode(_folder.In("locked"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        Assert.All(read, config => Assert.Equal((false, false, true), config));
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1 << 30);
    }

    [Fact]
    public void Read_LargestAllowed_IsReadAndOneByteMoreIsNot()
    {
        const string Config = """{"vision_config":{}}""";
        File.WriteAllText(_folder.Write("m/config.json", 0), Config + new string(' ', (8 << 20) - Encoding.UTF8.GetByteCount(Config)));
        Assert.True(Read(_folder.In("m")).Sees);

        File.AppendAllText(_folder.In("m/config.json"), " ");

        Assert.False(Read(_folder.In("m")).Sees);
    }

    private static (bool Sees, bool Hears, bool Generates) Read(string folder)
    {
        var facts = MlxFacts.Read(folder).Facts ?? new ModelFacts();
        return (facts.Modalities.Contains(Modality.Image), facts.Modalities.Contains(Modality.Audio), facts.Use == ModelUse.Chat);
    }

    private void Sparse(string relative, long length)
    {
        using var file = File.OpenWrite(_folder.Write(relative, 0));
        file.SetLength(length);
    }

    [DllImport("libc", EntryPoint = "mkfifo")]
    private static extern int MakePipe([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);
}
