using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Makes a <see cref="ModelSpec"/> of what was found on the disk.</summary>
internal static class DiscoveredModel
{
    /// <summary>The model; null if it has no name that it could be called by, or nobody could serve it.</summary>
    /// <param name="id">What clients shall call it.</param>
    /// <param name="source">What it was found by.</param>
    /// <param name="kind">The kind that would load it.</param>
    /// <param name="found">Its files.</param>
    /// <param name="settings">Says which kinds there are.</param>
    public static ModelSpec? Of(string id, string source, string kind, ResolvedSource found, ModelSettings settings) =>
        !settings.OfferedKinds.Contains(kind) || ModelName.Fault(id) is not null || !IsServed(found.Facts, kind) ? null : new ModelSpec
        {
            Id = id,
            Source = source,
            Path = found.Path,
            Runner = kind,
            Origin = ModelOrigin.Discovered,
            FileBytes = found.Bytes,
            Facts = found.Facts,
            Modalities = found.Modalities,
            Projector = found.Projector,
            ProjectorFacts = found.ProjectorFacts,
            Missing = found.Missing,
            Download = settings.Discovery.Download,
        };

    // llama-server makes vectors and ranks; mlx_vlm that and more, of the designs that it has.
    private static bool IsServed(ModelFacts? facts, string kind) => (facts?.Use ?? ModelUse.Chat, kind) switch
    {
        (ModelUse.Chat, _) => true,
        (ModelUse.Embedding or ModelUse.Reranking, KindNames.LlamaServer) => true,
        (_, KindNames.MlxVlm) => MlxVlmDesigns.Knows(facts!),
        _ => false,
    };
}
