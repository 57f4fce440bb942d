using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary>The one place where the reasons of the storey below become HTTP statuses and codes.</summary>
internal static class Refusals
{
    private const int Shown = 120;
    private static readonly TimeSpan DefaultReturn = TimeSpan.FromSeconds(10);

    public static GatewayError From(LeaseRefusedException refused)
    {
        var (status, code) = refused.Reason switch
        {
            RefusalReason.QueueFull => (StatusCodes.Status429TooManyRequests, "queue_full"),
            RefusalReason.InsufficientMemory => (StatusCodes.Status400BadRequest, "insufficient_memory"),
            RefusalReason.InsufficientMemoryNow => (StatusCodes.Status503ServiceUnavailable, "insufficient_memory_now"),
            RefusalReason.Yielded => (StatusCodes.Status503ServiceUnavailable, "background_yielded"),
            RefusalReason.LaunchFailed => (StatusCodes.Status503ServiceUnavailable, "model_launch_failed"),
            _ => (StatusCodes.Status503ServiceUnavailable, "shutting_down"),
        };
        return new GatewayError(status, code, refused.Message) { RetryAfter = refused.RetryAfter, Shortage = refused.Shortage, Param = status == StatusCodes.Status400BadRequest ? "model" : null };
    }

    /// <summary>The end of a request whose lease was taken back, or whose runner broke. <paramref name="detail"/> is what is known of the cause.</summary>
    public static GatewayError Broken(RevocationReason reason, string model, string? detail) => reason switch
    {
        RevocationReason.Evicted => new(StatusCodes.Status503ServiceUnavailable, "evicted", $"Model '{model}' had to leave memory, and this request was not over when the time to finish ended. Send it again."),
        RevocationReason.Yielded => new(StatusCodes.Status503ServiceUnavailable, "background_yielded", $"This was background work for '{model}', and it was ended because it stood in a person's way. Send it again when it is quieter."),
        RevocationReason.ShuttingDown => new(StatusCodes.Status503ServiceUnavailable, "shutting_down", "The gateway is shutting down, and this request was not over in time. Send it again later."),
        _ => new(StatusCodes.Status502BadGateway, "runner_failed", $"The runner of model '{model}' broke before the answer was complete{(detail is null ? "." : $": {detail}")}"),
    };

    public static GatewayError UnknownModel(string name, IReadOnlyList<string> nearest)
    {
        var known = nearest.Count == 0 ? "GET /v1/models lists the known ones." : $"Did you mean {string.Join(" or ", nearest.Select(n => $"'{n}'"))}? GET /v1/models lists all.";
        return new GatewayError(StatusCodes.Status404NotFound, "model_not_found", $"The model '{Shorten(name)}' is not known here. {known}") { Param = "model" };
    }

    /// <summary>A name that no model has, with the nearest names of those that the caller may use.</summary>
    public static GatewayError UnknownModel(string name, CatalogSnapshot known, ICaller? caller) =>
        UnknownModel(name, [.. known.Nearest(name, 3).Where(near => known.Resolve(near) is { } model && caller?.MayUse(model) != false)]);

    public static GatewayError NotAllowed(ModelSpec model, ICaller caller) =>
        new(StatusCodes.Status403Forbidden, "model_not_allowed", $"The key '{caller.Name}' is not good for model '{model.Id}'.") { Param = "model" };

    public static GatewayError MissingFiles(ModelSpec model) =>
        new(StatusCodes.Status404NotFound, "model_files_missing", $"The model '{model.Id}' cannot be launched: {model.Missing}{(model.Missing!.Contains("hf download ", StringComparison.Ordinal) ? $" or: MlxGateway pull {(model.Origin == ModelOrigin.Discovered ? model.Id : model.Source)}" : "")}") { Param = "model" };

    /// <summary>The model is not in memory, and the request says that it is not to be brought there.</summary>
    public static GatewayError NotLoaded(string model) =>
        new(StatusCodes.Status400BadRequest, "model_not_loaded", $"The model '{model}' is not in memory, and the request says not to load it (autoload). POST /models/load loads it, and so does a request that does not say so.") { Param = "model" };

    /// <summary>Adds which model here would take what this one does not.</summary>
    public static GatewayError NameWhoCan(GatewayError error, string modality, IReadOnlyList<ModelSpec> models)
    {
        var things = modality == Modality.Audio ? "sound" : "images";
        var who = models.FirstOrDefault(m => m.Missing is null && m.Modalities.Contains(modality));
        return error with { Message = $"{error.Message} {(who is null ? $"No model here takes {things}." : $"'{who.Id}' takes {things}.")}" };
    }

    public static GatewayError StillLoading(LoadProgress progress, TimeSpan waited) => new(
        StatusCodes.Status503ServiceUnavailable,
        "model_loading",
        progress.Download is not null
            ? $"Model '{progress.Model}' is not here yet after {waited.TotalSeconds:0} s: {progress}. The download goes on; send the request again."
            : progress.State == "ready"
            ? $"Model '{progress.Model}' is busy: this request's turn did not come within {waited.TotalSeconds:0} s{(progress.Before > 0 ? $", {progress.Before} came before it" : "")}. Send it again."
            : $"Model '{progress.Model}' is still loading after {waited.TotalSeconds:0} s ({progress.State} for {progress.Elapsed.TotalSeconds:0} s{(progress is { Percent: { } percent, Left: { } left } ? $", about {percent} % of it, {Math.Ceiling(left.TotalSeconds):0} s to go" : "")}). The load goes on; send the request again.")
    {
        // Without a load to compare with, what has taken long is likely to take longer.
        RetryAfter = progress.Left ?? (waited < DefaultReturn ? waited : DefaultReturn),
        Loading = progress,
    };

    /// <summary>The end of a request that somebody called off. No client repeats this status by itself.</summary>
    public static GatewayError Cancelled() => new(StatusCodes.Status499ClientClosedRequest, "request_cancelled", "The request was cancelled.");

    /// <summary>The name of a state as scripts read it.</summary>
#pragma warning disable CA1308 // The contract writes states in lower case.
    public static string StateName(ResidentState state) => state.ToString().ToLowerInvariant();
#pragma warning restore CA1308

    // A name is shown back, so it is cut and its control characters are made visible: it ends up in terminals and logs.
    private static string Shorten(string name)
    {
        var cut = name.Length <= Shown ? name : string.Concat(name.AsSpan(0, char.IsHighSurrogate(name[Shown - 1]) ? Shown - 1 : Shown), "…");
        return cut.Any(IsUnseen) ? string.Concat(cut.Select(c => IsUnseen(c) ? $"\\u{(int)c:x4}" : c.ToString())) : cut;
    }

    // Formatting characters too: one of them writes the rest of the line backwards.
    private static bool IsUnseen(char c) => char.IsControl(c) || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Format;
}
