using System.Collections.Frozen;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>The designs that <c>mlx_vlm</c> has code for where a model does not chat: so much of what lies on people's disks is of others that a list of all would mostly name what cannot be served.</summary>
/// <remarks>By <c>model_type</c>. A model that is configured is launched whatever its design: the engine may be newer than this list.</remarks>
internal static class MlxVlmDesigns
{
    private static readonly FrozenSet<string> Embedding = FrozenSet.ToFrozenSet(
    [
        "bert", "modernbert", "xlm-roberta", "qwen3", "gemma3_text", "lfm2", "ministral3", "siglip", "embedding_gemma2", "llama_bidirec", "llama_nemotron_vl_embedding", "qwen3_vl_embedding", "colqwen2_5", "colidefics3",
    ]);

    private static readonly FrozenSet<string> Reranking = FrozenSet.ToFrozenSet(["bert", "modernbert", "xlm-roberta", "qwen3", "qwen3_vl"]);

    // Those of mlx_audio, by which mlx_vlm listens and speaks.
    private static readonly FrozenSet<string> Transcription = FrozenSet.ToFrozenSet(
    [
        "whisper", "parakeet", "parakeet_tdt", "canary", "moonshine", "sensevoice", "mms", "lasr_ctc", "voxtral_realtime", "vibevoice_asr", "granite_speech5_ctc", "granite_speech_nar", "moss_transcribe_diarize", "fireredasr2", "fun_asr_nano",
        "qwen3_asr", "cohere_asr", "mega_asr", "ming_v3_asr", "nemotron_asr", "glmasr", "phonon", "phonon2",
    ]);

    private static readonly FrozenSet<string> Speech = FrozenSet.ToFrozenSet(
    [
        "kokoro", "bark", "csm", "sesame", "marvis", "dia", "outetts", "spark", "chatterbox", "chatterbox_turbo", "soprano", "vibevoice", "indextts", "voxcpm", "voxcpm2", "melotts", "fish_qwen3_omni", "fish_drama3", "tada", "longcat_audiodit",
        "audiodit", "omnivoice", "zonos2", "echo_tts", "kitten", "kitten_tts", "kugelaudio", "qwen3_tts", "pocket_tts", "lingv3_tts", "breeze_tts", "irodori_tts", "voxtral_tts", "moss_tts", "moss_tts_nano", "moss_tts_delay", "moss_tts_local",
    ]);

    /// <summary>Whether it can serve the model, as far as can be told without it.</summary>
    public static bool Knows(ModelFacts facts) => facts.Use switch
    {
        ModelUse.Chat or ModelUse.Images => true, // of images, what none knows is of no such use (MlxPipeline)
        ModelUse.Embedding => Has(Embedding, facts),
        ModelUse.Reranking => Has(Reranking, facts),
        ModelUse.Transcription => Has(Transcription, facts),
        ModelUse.Speech => Has(Speech, facts),
        _ => false,
    };

    private static bool Has(FrozenSet<string> designs, ModelFacts facts) => facts.Architecture is { } design && designs.Contains(design);
}
