using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Memory.Engines;

/// <summary>What <c>mlx_vlm.server</c> takes with a model that does not chat. Nothing of it is kept from one request to the next, and nothing can be lowered.</summary>
/// <remarks>
/// Vectors and ranks: the engine reads what comes in one request at once, whatever its number; so many tokens as most requests have are counted, of one text of the full length or of several together.
/// Speech, transcription and images: the weights, and a guess of what the work takes. What was seen to be taken corrects all of these.
/// </remarks>
internal static class MlxVlmUseMemory
{
    /// <summary>It cuts longer texts off (<c>embeddings.py</c>, <c>reranking.py</c>).</summary>
    private const int LongestText = 8192;

    // Sixteen texts of 512 tokens, or one of the longest.
    private const int TokensAtOnce = 8192;

    // Guesses: 30 s of sound through the widest of them that are known; the decoder of an image of 1024 × 1024 dots, whose widest layers have 128 to 512 channels of them.
    private static readonly ByteSize Sound = ByteSize.FromMegabytes(512);
    private static readonly ByteSize Image = ByteSize.FromMegabytes(3072);

    /// <summary>Whether the model is one of these.</summary>
    public static bool Concerns(ModelFacts facts) => facts.Use is ModelUse.Embedding or ModelUse.Reranking or ModelUse.Transcription or ModelUse.Speech or ModelUse.Images;

    /// <summary>How it is launched: with as much of a text as the engine reads, where it reads texts.</summary>
    public static LaunchShape Heed(ModelFacts facts, LaunchShape shape) =>
        shape with { Context = ReadsTexts(facts) ? Math.Min(shape.Context ?? LongestText, LongestText) : null };

    /// <summary>What the work of one request takes.</summary>
    /// <param name="facts">The model.</param>
    /// <param name="shape">How long a text may be.</param>
    /// <param name="writesScores">Whether attention writes its scores down.</param>
    public static ByteSize Work(ModelFacts facts, LaunchShape shape, bool writesScores)
    {
        if (!ReadsTexts(facts))
        {
            return facts.Use == ModelUse.Images ? Image : Sound;
        }

        var length = Math.Max(1, Math.Min(shape.Context ?? LongestText, LongestText));
        return MlxWork.Prompt(facts, shape with { Conversations = Math.Max(shape.Conversations, TokensAtOnce / length) }, length, length, writesScores);
    }

    private static bool ReadsTexts(ModelFacts facts) => facts.Use is ModelUse.Embedding or ModelUse.Reranking;
}
