using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What a model of the Hugging Face form is for: by its design, the names of its classes, and the files that lie beside its configuration.</summary>
internal static class MlxUse
{
    private static readonly string[] SentenceFiles = ["modules.json", "sentence_bert_config.json", "config_sentence_transformers.json", "1_Pooling/config.json"];

    private static readonly string[] Listeners =
    [
        "whisper", "parakeet", "canary", "moonshine", "moonshine_streaming", "sensevoice", "wav2vec2", "wav2vec2-bert", "hubert", "mms", "lasr_ctc", "voxtral_realtime", "vibevoice_asr", "granite_speech5_ctc", "granite_speech_nar",
        "moss_transcribe_diarize", "fireredasr2", "fun_asr_nano", "phonon", "phonon2",
    ];

    private static readonly string[] Speakers =
    [
        "kokoro", "bark", "csm", "sesame", "dia", "outetts", "spark", "chatterbox", "chatterbox_turbo", "soprano", "vibevoice", "indextts", "voxcpm", "voxcpm2", "melotts", "styletts2", "speecht5", "vits", "fish_speech", "fish_qwen3_omni",
        "tada", "longcat_audiodit", "audiodit", "omnivoice", "zonos2", "echo_tts", "kitten", "marvis", "kugelaudio", "dramabox", "fish_drama3", "moss_tts_nano", "moss_tts_delay", "moss_tts_local",
    ];

    private static readonly string[] Judges =
        ["ForTokenClassification", "ForImageClassification", "ForAudioClassification", "ForObjectDetection", "ForSemanticSegmentation", "ForDepthEstimation", "ForMultipleChoice", "ForQuestionAnswering", "Pipeline"];

    /// <summary>What it is for. A model of which nothing is known is taken for one that chats.</summary>
    /// <param name="keys">Its configuration, if there is one.</param>
    /// <param name="name">What the model is called: rankers and embedders are often built like models that chat.</param>
    /// <param name="has">Whether a file with bytes lies in the folder.</param>
    /// <param name="hasModel">Whether it has weights of its own.</param>
    public static ModelUse Of(ConfigKeys? keys, string name, Func<string, bool> has, bool hasModel)
    {
        if (has("adapter_config.json") && !hasModel)
        {
            return ModelUse.Adapter;
        }

        if (has("model_index.json"))
        {
            return ModelUse.Other; // a pipeline that no engine here knows (MlxPipeline)
        }

        var ranks = name.Contains("rerank", StringComparison.OrdinalIgnoreCase);
        return (keys is null ? null : ByDesign(keys) ?? ByClass(keys, ranks)) ?? (ranks ? ModelUse.Reranking : Embeds(name) || Array.Exists(SentenceFiles, file => has(file)) ? ModelUse.Embedding : ModelUse.Chat);
    }

    private static ModelUse? ByDesign(ConfigKeys keys)
    {
        var top = keys.Whole[0];
        var type = keys.ModelType ?? "";
        return Listeners.Contains(type) || type.EndsWith("_asr", StringComparison.Ordinal) || type.StartsWith("parakeet", StringComparison.Ordinal) ? ModelUse.Transcription
            : Speakers.Contains(type) || type.EndsWith("_tts", StringComparison.Ordinal) ? ModelUse.Speech
            : top.Value("n_mels") is not null && top.Value("n_audio_ctx") is not null ? ModelUse.Transcription // Whisper, as it was first converted
            : top.Text("target")?.Contains(".asr.", StringComparison.Ordinal) == true ? ModelUse.Transcription // NeMo
            : top.Value("istftnet") is not null ? ModelUse.Speech // Kokoro
            : null;
    }

    private static ModelUse? ByClass(ConfigKeys keys, bool ranks)
    {
        var names = keys.Architectures;
        return Any(names, "ForSequenceClassification", "ForRanking") ? (ranks || Scores(keys) ? ModelUse.Reranking : ModelUse.Other)
            : Any(names, Judges) ? ModelUse.Other
            : Any(names, "ForCTC", "ForSpeechSeq2Seq") ? ModelUse.Transcription
            : Any(names, "ForMaskedLM") || names.Any(IsEncoder) ? ModelUse.Embedding
            : null;
    }

    // A conversion leaves out the files that sentence-transformers goes by, and the class is that of a model that chats.
    // EmbeddingGemma, nomic-embed-text; but not embedded-coder.
    private static bool Embeds(string name) =>
        name.Contains("embedding", StringComparison.OrdinalIgnoreCase) || name.Split('-', '_', '.', ' ').Any(word => word.Equals("embed", StringComparison.OrdinalIgnoreCase) || word.Equals("embedder", StringComparison.OrdinalIgnoreCase));

    // One label is a score; a classifier tells more apart. A class for ranking needs none.
    private static bool Scores(ConfigKeys keys) =>
        Any(keys.Architectures, "ForRanking")
        || keys.Count("num_labels") == 1
        || (keys.Whole[0].Value("id2label") is { ValueKind: JsonValueKind.Object } labels && labels.EnumerateObject().Take(2).Count() == 1);

    private static bool Any(IReadOnlyList<string> names, params string[] endings) => names.Any(name => Array.Exists(endings, ending => name.EndsWith(ending, StringComparison.Ordinal)));

    // BertModel, Gemma3TextModel; but not GPT2LMHeadModel, nor InternVLChatModel and ChatGLMModel.
    private static bool IsEncoder(string name) =>
        name.EndsWith("Model", StringComparison.Ordinal) && !name.Contains("LMHead", StringComparison.Ordinal) && !name.Contains("Chat", StringComparison.Ordinal);
}
