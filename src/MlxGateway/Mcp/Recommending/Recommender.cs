using System.ComponentModel;
using System.Globalization;
using MlxGateway.Inference.Listing;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Mcp.Recommending;

/// <summary>A model that could do it.</summary>
internal sealed record Recommendation(
    [property: Description("The model: an id of list_models, or a repository for download_model.")] string Model,
    [property: Description("Whether it would get into memory now; otherwise other programs must give memory back first.")] bool FitsNow,
    [property: Description("What it takes in memory, in bytes.")] long RequiredBytes,
    [property: Description("What is left of the memory for models, in bytes, when it is there alone.")] long LeftBytes,
    [property: Description("How that was worked out.")] string Arithmetic,
    [property: Description("What speaks for it.")] string Why);

/// <summary>Names models that fit on this machine. Pure.</summary>
internal static class Recommender
{
    /// <summary>The tasks that models are named for.</summary>
    public static IReadOnlyList<string> Tasks { get; } = ["chat", "code", "vision"];

    // A conversation that an agent or a person has on one afternoon.
    private const int Tokens = 16_384;
    private static readonly ByteSize Overhead = ByteSize.FromMegabytes(700);

    /// <summary>Those on disk that can do it and would fit, the one with most parameters first.</summary>
    public static IReadOnlyList<Recommendation> OnDisk(string task, IReadOnlyList<KnownModel> known, PoolSnapshot pool, int limit) =>
    [
        .. known
            .Where(m => m.Model.Missing is null && m.Model.Origin != ModelOrigin.Demonstration && CanDo(m, task) && m is { Fit: { Value: not Fit.Never }, Need: not null })
            .OrderByDescending(static m => m.Fit!.Value != Fit.DoesNotFitNow)
            .ThenByDescending(m => IsMadeFor(m.Model.Id, task))
            .ThenByDescending(static m => m.Model.Facts?.Parameters ?? m.Model.FileBytes?.Bytes ?? m.Need!.Total.Bytes)
            .ThenBy(static m => m.Model.Id, StringComparer.Ordinal)
            .Take(limit)
            .Select(m => new Recommendation(
                m.Model.Id,
                m.Fit!.Value != Fit.DoesNotFitNow,
                m.Need!.Total.Bytes,
                (pool.Memory.Ceiling - m.Need.Total).Bytes,
                $"{m.Need.Reason}: {m.Need.Total} of {pool.Memory.Ceiling}",
                $"It is on this disk. {m.Fit.Message}")),
    ];

    /// <summary>Those of the Hub that can do it and would fit, the more able first; those that are on disk are left out.</summary>
    public static IReadOnlyList<Recommendation> ToDownload(string task, IReadOnlyList<KnownModel> known, PoolSnapshot pool, int limit) =>
    [
        .. WellKnown.All
            .Where(m => m.Tasks.Contains(task) && !known.Any(k => k.Model.Missing is null && (k.Model.Id == m.Id || k.Model.Source == m.Id)))
            .Select(m => (Model: m, Required: Need(m)))
            .Where(m => m.Required <= pool.Memory.Ceiling)
            .OrderByDescending(m => m.Required <= pool.Memory.Usable)
            .Take(limit)
            .Select(m => new Recommendation(
                m.Model.Id,
                m.Required <= pool.Memory.Usable,
                m.Required.Bytes,
                (pool.Memory.Ceiling - m.Required).Bytes,
                Arithmetic(m.Model, m.Required, pool.Memory.Ceiling),
                m.Model.Note)),
    ];

    /// <summary>What a well-known model takes with a conversation of 16,384 tokens.</summary>
    public static ByteSize Need(WellKnown model) => Weights(model) + Cache(model) + Overhead;

    private static ByteSize Weights(WellKnown model) => new((long)(model.Billions * 1e9 * model.Bits / 8));

    private static ByteSize Cache(WellKnown model) => new((long)model.KilobytesPerToken * 1024 * Tokens);

    private static string Arithmetic(WellKnown model, ByteSize required, ByteSize ceiling) => string.Create(
        CultureInfo.InvariantCulture,
        $"weights {model.Billions:0.#} billion × {model.Bits:0.##} bits = {Weights(model)}, KV cache {Tokens:N0} tokens × {model.KilobytesPerToken} KB = {Cache(model)}, overhead {Overhead}: {required} of {ceiling}");

    private static bool CanDo(KnownModel model, string task) => task == "vision"
        ? Capability.Sees(model)
        : Capability.Of(model).Contains("chat");

    private static bool IsMadeFor(string id, string task) => task == "code" && (id.Contains("cod", StringComparison.OrdinalIgnoreCase) || id.Contains("devstral", StringComparison.OrdinalIgnoreCase));
}
