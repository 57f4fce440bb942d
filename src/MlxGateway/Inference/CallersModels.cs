using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary>The models that whoever asks may see and steer: every one, but for a key that is good for some only.</summary>
internal static class CallersModels
{
    /// <summary>Who sends the request; null: nobody is told apart, and everybody may do everything.</summary>
    public static ICaller? Caller(this HttpContext context) => context.Features.Get<ICaller>();

    /// <summary>Whether the caller may see the model and steer it.</summary>
    public static bool IsGoodFor(this ICaller? caller, ModelSpec model) => caller?.MayUse(model) != false;

    /// <summary>Whether the caller may see what is told of a model of this id, which may have gone since.</summary>
    public static bool IsGoodFor(this ICaller? caller, string id, CatalogSnapshot known) => caller is null || caller.MayUse(known.Find(id) ?? Absent(id));

    /// <summary>Why the caller may not fetch or give up what the Hub has under this name; null: they may.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="repository">A repository, with <c>:PART</c> behind it or without.</param>
    public static GatewayError? RefusalOf(this ICaller? caller, string repository) =>
        caller is not null && Absent(repository.Split(':')[0]) is var model && !caller.MayUse(model) ? Refusals.NotAllowed(model, caller) : null;

    /// <summary>The model of this id or alias. Exactly one of the two results is there.</summary>
    public static (ModelSpec? Model, GatewayError? Error) ResolveFor(this CatalogSnapshot known, ICaller? caller, string name) =>
        known.Resolve(name) is not { } model ? (null, Refusals.UnknownModel(name, known, caller))
        : caller.IsGoodFor(model) ? (model, null)
        : (null, Refusals.NotAllowed(model, caller!));

    private static ModelSpec Absent(string id) => new() { Id = id, Runner = "" };
}
