using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Inference.Listing;

/// <summary>
/// The names of what models can do. Those of Ollama (<c>completion</c>, <c>tools</c>, <c>thinking</c>, <c>vision</c>, <c>audio</c>, <c>embedding</c>), because more clients read them than any other set;
/// <c>chat</c> beside <c>completion</c> where messages can be put to the model, and a name for each use that Ollama does not have.
/// </summary>
internal static class Capability
{
    private const string Completion = "completion";
    private const string Chat = "chat";

    /// <summary>What the model can do. A model of which nothing is known is taken to chat, and to take neither tools nor thoughts.</summary>
    public static IReadOnlyList<string> Of(KnownModel known)
    {
        var facts = known.Model.Facts;
        return facts?.Use switch
        {
            ModelUse.Embedding => ["embedding"],
            ModelUse.Reranking => ["rerank"],
            ModelUse.Transcription => ["transcription"],
            ModelUse.Speech => ["speech"],
            ModelUse.Images => ["image"],
            ModelUse.Adapter or ModelUse.Other => [],
            _ =>
            [
                Completion,
                .. When(facts is null or { HasChatTemplate: true }, Chat),
                .. When(known.TakesTools, "tools"),
                .. When(facts is { Thinks: true }, "thinking"),
                .. When(Sees(known), "vision"),
                .. When(known.Model.Modalities.Contains(Modality.Audio), "audio"),
            ],
        };
    }

    /// <summary>The capabilities that not every chat model has.</summary>
    public static IReadOnlyList<string> Special(IEnumerable<string> capabilities) => [.. capabilities.Where(c => c is not (Completion or Chat))];

    /// <summary>Whether its runner passes pictures on to it.</summary>
    public static bool Sees(KnownModel known) => known.Model.Modalities.Contains(Modality.Image);

    private static string[] When(bool can, string name) => can ? [name] : [];
}
