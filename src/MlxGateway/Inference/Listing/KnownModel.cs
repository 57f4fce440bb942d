using System.Globalization;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Listing;

/// <summary>All that is known of one model at one moment. What is said of it follows from this alone.</summary>
/// <param name="Model">The model.</param>
/// <param name="Name">Its name for people.</param>
/// <param name="FirstSeen">When the gateway first knew it.</param>
/// <param name="Resident">Its place in the pool; null: nobody has asked for it lately.</param>
/// <param name="Needs">What it needs; null where its files are incomplete, or nobody could say.</param>
/// <param name="Fit">Whether it would get in; null where that is unknown.</param>
internal sealed record KnownModel(ModelSpec Model, string Name, DateTimeOffset FirstSeen, ResidentSnapshot? Resident, MemoryNeeds? Needs, ModelFit? Fit)
{
    /// <summary>Puts together what is known of one model.</summary>
    /// <param name="pool">Who is in memory, with the newest reading.</param>
    /// <param name="model">The model.</param>
    /// <param name="name">Its name for people.</param>
    /// <param name="firstSeen">When the gateway first knew it.</param>
    /// <param name="needs">What it needs; null: unknown.</param>
    public static KnownModel In(PoolSnapshot pool, ModelSpec model, string name, DateTimeOffset firstSeen, MemoryNeeds? needs)
    {
        var resident = pool.Models.FirstOrDefault(m => m.Id == model.Id);
        return new KnownModel(model, name, firstSeen, resident, needs, needs is null ? null : ModelFit.Of(model, needs, pool));
    }

    /// <summary>How it is launched, or would be; as it is best launched where it cannot be now.</summary>
    public MemoryNeed? Need => Resident?.Need ?? (Fit is { Value: not (Supervision.Residency.Fit.DoesNotFitNow or Supervision.Residency.Fit.Never) } fit ? fit.Need : Needs?.Best);

    /// <summary>The most tokens of one conversation; null: unknown.</summary>
    public int? Context => Need?.Shape.Context ?? Model.Context ?? Model.Facts?.ContextWindow;

    /// <summary>Whether messages, or at least texts, can be sent to it. A model of which nothing is known is taken to.</summary>
    public bool Chats => Model.Facts is null or { Use: ModelUse.Chat };

    /// <summary>Whether it can be given tools: its chat template takes them, or the gateway tells it of them.</summary>
    public bool TakesTools => Model.Facts is { TakesTools: true } || Model.ToolFormat is not (ToolFormat.Auto or ToolFormat.Native)
        || (Model is { ToolFormat: ToolFormat.Auto, Runner: KindNames.MlxLm or KindNames.MlxVlm or KindNames.MlcLlm, Facts.UnreadCalls: not ToolFormat.Native });

    /// <summary>The model in a line, for a person who chooses: <c>30.5 billion parameters, 4-bit, 32,768 tokens of context, 17.20 GB. Fits after others have left.</c></summary>
    public string Describe()
    {
        if (Model.Missing is { } missing)
        {
            return missing;
        }

        string?[] facts =
        [
            Model.Facts?.Parameters is { } count ? Count(count) : null,
            Model.Facts?.Quantisation,
            Context is { } tokens ? string.Create(CultureInfo.InvariantCulture, $"{tokens:N0} tokens of context") : null,
            Need?.Total.ToString(),
            Model.Runner,
        ];
        return $"{string.Join(", ", facts.OfType<string>())}.{Price()}";
    }

    private string Price() => Fit?.Value switch
    {
        Supervision.Residency.Fit.Loaded => " In memory.",
        Supervision.Residency.Fit.Fits => " Fits beside what is loaded.",
        Supervision.Residency.Fit.FitsAfterSwap => " Fits after others have left.",
        Supervision.Residency.Fit.FitsWithLessContext => " Fits with a shorter context than it could have.",
        Supervision.Residency.Fit.DoesNotFitNow => " Does not fit now: other programs hold the memory.",
        Supervision.Residency.Fit.Never => " Does not fit on this machine.",
        _ => "",
    };

    private static string Count(long parameters) => parameters switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e9:0.#} billion parameters"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e6:0.#} million parameters"),
    };
}
