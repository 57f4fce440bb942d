using System.Text;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>What a configuration alone says.</summary>
public sealed class MlxConfigTests
{
    [Theory]
    [InlineData("""{"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3"}""", "", "text")]
    [InlineData("""{"architectures":["Gemma3ForConditionalGeneration"],"image_token_index":262144,"vision_config":{"model_type":"siglip_vision_model"}}""", "", "text,image")]
    [InlineData("""{"architectures":["Gemma3nForConditionalGeneration"],"vision_config":{},"audio_config":{},"image_token_id":262145}""", "preprocessor_config.json", "text,image,audio")]
    [InlineData("""{"architectures":["Qwen3OmniMoeForConditionalGeneration"],"thinker_config":{"audio_config":{},"vision_config":{}}}""", "", "text,image,audio")]
    [InlineData("""{"architectures":["Qwen2AudioForConditionalGeneration"],"audio_config":{}}""", "preprocessor_config.json", "text,audio")]
    [InlineData("""{"architectures":["Phi3VForCausalLM"],"img_processor":{"name":"clip_vision_model"}}""", "preprocessor_config.json", "text,image")]
    [InlineData("""{"architectures":["MiniCPMVForConditionalGeneration"],"image_token_id":7}""", "processor_config.json", "text,image")]
    [InlineData("""{"architectures":["Gemma3ForConditionalGeneration"],"image_token_index":262144}""", "", "text")] // converted to text alone
    [InlineData("""{"architectures":["Qwen3_5ForConditionalGeneration"],"vision_config":null}""", "", "text")]
    [InlineData("""{"architectures":["Qwen3_5ForConditionalGeneration"],"vision_config":{},"language_model_only":true}""", "processor_config.json", "text")]
    [InlineData("""{"architectures":["LlamaForCausalLM"]}""", "preprocessor_config.json", "text")] // somebody's leftover
    [InlineData("""{"architectures":["Mamba2ForCausalLM"],"time_step_limit":[0.0,Infinity],"vision_config":{}}""", "", "text,image")]
    [InlineData("""{"a":-Infinity,"b":NaN,"c":"Infinity \" NaN","vision_config":{}}""", "", "text,image")]
    [InlineData("""{"architectures":["\ud800"],"vision_config":{}}""", "", "text,image")]
    [InlineData("""{"\ud800":1,"thinker_config":[]}""", "", "text")]
    public void Modalities_FollowFromTheConfigurationAndWhatLiesBesideIt(string config, string besides, string expected)
    {
        var facts = Of(config, besides: besides);

        Assert.Equal((ModelUse.Chat, expected), (facts.Use, string.Join(',', facts.Modalities)));
    }

    [Theory]
    [InlineData("""["BertModel"]""", "m", ModelUse.Embedding)]
    [InlineData("""["XLMRobertaModel"]""", "m", ModelUse.Embedding)]
    [InlineData("""["Gemma3TextModel"]""", "m", ModelUse.Embedding)]
    [InlineData("""["ModernBertForMaskedLM"]""", "m", ModelUse.Embedding)]
    [InlineData("""["Qwen3ForSequenceClassification"]""", "Qwen3-Reranker-0.6B", ModelUse.Reranking)]
    [InlineData("""["XLMRobertaForSequenceClassification"]""", "bge-reranker-v2-m3", ModelUse.Reranking)]
    [InlineData("""["Qwen3ForCausalLM"]""", "Qwen3-Reranker-0.6B-mlx", ModelUse.Reranking)]
    [InlineData("""["JinaForRanking"]""", "m", ModelUse.Reranking)]
    [InlineData("""["Qwen3ForCausalLM"]""", "Qwen3-Embedding-0.6B-4bit-DWQ", ModelUse.Embedding)]
    [InlineData("""["LlamaForCausalLM"]""", "llama-embed_v2", ModelUse.Embedding)]
    [InlineData("""["LlamaForCausalLM"]""", "embedded-coder-7b", ModelUse.Chat)]
    [InlineData("""["BertForSequenceClassification"]""", "sentiment", ModelUse.Other)]
    [InlineData("""["BertForTokenClassification"]""", "m", ModelUse.Other)]
    [InlineData("""["ViTForImageClassification"]""", "m", ModelUse.Other)]
    [InlineData("""["Wav2Vec2ForCTC"]""", "m", ModelUse.Transcription)]
    [InlineData("""["GPT2LMHeadModel"]""", "m", ModelUse.Chat)]
    [InlineData("""["InternVLChatModel"]""", "m", ModelUse.Chat)]
    [InlineData("""["ChatGLMModel"]""", "m", ModelUse.Chat)]
    [InlineData("""[]""", "m", ModelUse.Chat)]
    [InlineData("""[7,null,{}]""", "m", ModelUse.Chat)]
    [InlineData("""7""", "m", ModelUse.Chat)]
    public void Use_FollowsFromTheNamesOfClasses(string architectures, string name, ModelUse expected) => Assert.Equal(expected, Of($$"""{"architectures":{{architectures}}}""", name).Use);

    [Theory]
    [InlineData("""{"model_type":"whisper"}""", ModelUse.Transcription)]
    [InlineData("""{"n_mels":128,"n_audio_ctx":1500,"n_vocab":51866}""", ModelUse.Transcription)]
    [InlineData("""{"target":"nemo.collections.asr.models.rnnt_bpe_models.EncDecRNNTBPEModel"}""", ModelUse.Transcription)]
    [InlineData("""{"model_type":"qwen3_asr"}""", ModelUse.Transcription)]
    [InlineData("""{"model_type":"kokoro"}""", ModelUse.Speech)]
    [InlineData("""{"istftnet":{},"plbert":{}}""", ModelUse.Speech)]
    [InlineData("""{"model_type":"qwen3_tts"}""", ModelUse.Speech)]
    [InlineData("""{"model_type":"voxtral","audio_config":{}}""", ModelUse.Chat)]
    [InlineData("""{"architectures":["BertForSequenceClassification"],"id2label":{"0":"LABEL_0"}}""", ModelUse.Reranking)]
    [InlineData("""{"architectures":["BertForSequenceClassification"],"num_labels":1}""", ModelUse.Reranking)]
    public void Use_FollowsFromTheDesign(string config, ModelUse expected) => Assert.Equal(expected, Of(config).Use);

    [Theory]
    [InlineData("""{"_class_name":"QwenImageEditPlusPipeline"}""", true)]
    [InlineData("""{"_class_name":"Flux2KleinPipeline","transformer":["diffusers","Flux2Transformer2DModel"]}""", true)]
    [InlineData("""{"_class_name":"FluxPipeline"}""", false)] // the first of them, which mlx_vlm has no code for
    [InlineData("""{"_class_name":"StableDiffusionXLPipeline"}""", false)]
    [InlineData("""{"_class_name":["ZImagePipeline"]}""", false)]
    [InlineData("""{"_class_name":"\ud800ZImage"}""", false)]
    [InlineData("""["ZImagePipeline"]""", false)]
    [InlineData("ZImagePipeline", false)]
    [InlineData("", false)]
    public void Pipeline_OfAFamilyThatAnEngineHas_IsKnownByItsClass(string index, bool known) => Assert.Equal(known, MlxPipeline.ClassOf(System.Text.Encoding.UTF8.GetBytes(index)) is not null);

    [Theory]
    [InlineData("modules.json", ModelUse.Embedding)]
    [InlineData("1_Pooling/config.json", ModelUse.Embedding)]
    [InlineData("adapter_config.json", ModelUse.Adapter)]
    [InlineData("model_index.json", ModelUse.Other)]
    [InlineData("generation_config.json", ModelUse.Chat)]
    public void Use_FollowsFromFilesBesideTheConfiguration(string file, ModelUse expected) =>
        Assert.Equal(expected, Of("""{"architectures":["Qwen3ForCausalLM"]}""", besides: file).Use);

    [Fact]
    public void Use_AdapterThatWasFusedIntoItsModel_Chats() =>
        Assert.Equal(ModelUse.Chat, MlxUse.Of(null, "m", name => name == "adapter_config.json", hasModel: true));

    [Theory]
    [InlineData("""{"max_position_embeddings":4096}""", null, 4096)]
    [InlineData("""{"max_position_embeddings":1000,"text_config":{"max_position_embeddings":2000}}""", null, 2000)]
    [InlineData("""{"text_config":{"hidden_size":1},"max_position_embeddings":1000}""", null, 1000)]
    [InlineData("""{"n_positions":1024}""", null, 1024)]
    [InlineData("""{"seq_length":8192,"sliding_window":512}""", null, 8192)]
    [InlineData("""{"model_max_length":1048576}""", null, 1048576)]
    [InlineData("""{"sliding_window":4096}""", null, null)]
    [InlineData("{}", 8192.0, 8192)]
    [InlineData("{}", 1e30, null)]
    [InlineData("{}", -1.0, null)]
    [InlineData("""{"max_position_embeddings":4096}""", 512.0, 4096)]
    [InlineData("""{"max_position_embeddings":131072,"rope_scaling":{"rope_type":"llama3","factor":8.0,"original_max_position_embeddings":8192}}""", null, 131072)] // Llama 3.1
    [InlineData("""{"max_position_embeddings":163840,"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":4096}}""", null, 163840)] // DeepSeek-V3
    [InlineData("""{"max_position_embeddings":32768,"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":32768}}""", null, 131072)] // Qwen2.5, as its card says
    [InlineData("""{"rope_parameters":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768}}""", null, 131072)]
    [InlineData("""{"rope_scaling":{"rope_type":"yarn","factor":1e300,"original_max_position_embeddings":32768}}""", null, 32768)]
    [InlineData("""{"max_position_embeddings":-1,"n_ctx":"9","seq_length":1e99,"n_positions":2.5}""", null, null)]
    [InlineData("""{"max_position_embeddings":4096.0}""", null, 4096)]
    public void ContextWindow_FollowsFromTheFirstThatSays(string config, double? ofTokenizer, int? expected)
    {
        using var keys = ConfigKeys.Parse(Encoding.UTF8.GetBytes(config));

        Assert.Equal(expected, MlxContext.Of(keys!, ofTokenizer));
    }

    [Theory]
    [InlineData("""{"torch_dtype":"bfloat16"}""", "bf16")]
    [InlineData("""{"dtype":"float16"}""", "f16")]
    [InlineData("""{"text_config":{"dtype":"bfloat16"}}""", "bf16")]
    [InlineData("""{"quantization_config":{"quant_method":"compressed-tensors"}}""", "compressed-tensors")]
    [InlineData("""{"quantization_config":{"bits":3,"group_size":64}}""", "3-bit")]
    [InlineData("""{"quantization":{"bits":4,"mode":"nvfp4"},"quantization_config":{"quant_method":"awq"}}""", "nvfp4")]
    [InlineData("""{"quantization":7,"torch_dtype":"bfloat16"}""", "bf16")]
    [InlineData("""{"quantization":{"mode":"012345678901234567890123456789012345"}}""", null)]
    [InlineData("{}", null)]
    public void Quantisation_IsWhatPeopleCallIt(string config, string? expected) => Assert.Equal(expected, Of(config).Quantisation);

    [Theory]
    [InlineData("""{"intermediate_size":[16384,16384,8192]}""", 16384)]
    [InlineData("""{"intermediate_size":768,"moe_intermediate_size":2048}""", 2048)]
    [InlineData("""{"n_inner":4096}""", 4096)]
    [InlineData("""{"intermediate_size":[]}""", null)]
    [InlineData("{}", null)]
    public void FeedForward_IsTheWidest(string config, int? expected) => Assert.Equal(expected, Of(config).FeedForwardSize);

    [Theory]
    [InlineData("")]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("""{"vision_config":{}""")]
    [InlineData("\0\0\0")]
    public void Parse_NotAConfiguration_IsNull(string text) => Assert.Null(ConfigKeys.Parse(Encoding.UTF8.GetBytes(text)));

    private static ModelFacts Of(string config, string name = "m", string besides = "")
    {
        using var keys = ConfigKeys.Parse(Encoding.UTF8.GetBytes(config));
        Assert.NotNull(keys);
        bool Has(string file) => file == besides;
        return MlxFacts.Of(keys, MlxUse.Of(keys, name, Has, hasModel: false), TokenizerConfig.Empty, [], new TensorTally(MlxQuantisation.Of(keys)), Has);
    }
}
