using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary><c>GET /v1/models</c>: what can be asked for, from memory. Never waits for a runner: chat pages are not usable until it has answered.</summary>
internal static class ModelList
{
    public static IResult List(ModelCatalog catalog, IModelPool pool)
    {
        var known = catalog.Current;
        var resident = pool.Snapshot.Models.ToDictionary(m => m.Id, m => m.State, StringComparer.Ordinal);
        return Results.Json(new ModelListAnswer("list", [.. known.Models.Select(m => Describe(m, known, resident.GetValueOrDefault(m.Id)))]), ModelListJson.Default.ModelListAnswer);
    }

    public static IResult Show(string id, ModelCatalog catalog, IModelPool pool)
    {
        var known = catalog.Current;
        return known.Resolve(id) is { } model
            ? Results.Json(Describe(model, known, pool.Snapshot.Models.FirstOrDefault(m => m.Id == model.Id)?.State ?? ResidentState.Absent), ModelListJson.Default.ModelAnswer)
            : new ErrorResult(Refusals.UnknownModel(id, known.Nearest(id, 3)));
    }

    private static ModelAnswer Describe(ModelSpec model, CatalogSnapshot known, ResidentState state) => new(
        model.Id,
        "model",
        known.FirstSeen(model.Id)!.Value.ToUnixTimeSeconds(),
        "mlxgateway",
        model.Id,
        [.. model.Aliases],
        state is ResidentState.Ready,
        new ModelStatus(state switch
        {
            ResidentState.Ready => "loaded",
            ResidentState.Launching => "loading",
            ResidentState.Draining or ResidentState.Stopping => "unloading",
            ResidentState.Cooling => "failed",
            _ => model.Missing is null ? "unloaded" : "missing",
        }),
        null,
        model.Runner);
}

/// <summary>The list of models.</summary>
internal sealed record ModelListAnswer(string Object, IReadOnlyList<ModelAnswer> Data);

/// <summary>One model of the list.</summary>
/// <param name="Id">What to put in <c>model</c>.</param>
/// <param name="Object">Always <c>model</c>.</param>
/// <param name="Created">When the gateway first saw it, in seconds since 1970.</param>
/// <param name="OwnedBy">Always <c>mlxgateway</c>.</param>
/// <param name="Name">A name for people.</param>
/// <param name="Aliases">Other names that <c>model</c> may have.</param>
/// <param name="Loaded">Whether it is in memory and serves.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="ContextWindow">The longest context in tokens; null: unknown.</param>
/// <param name="Runner">The kind that serves it.</param>
internal sealed record ModelAnswer(
    string Id, string Object, long Created, string OwnedBy, string Name, IReadOnlyList<string> Aliases, bool Loaded, ModelStatus Status, int? ContextWindow, string Runner);

/// <summary>Where a model stands.</summary>
/// <param name="Value"><c>unloaded</c>, <c>loading</c>, <c>loaded</c>, <c>unloading</c>, <c>failed</c> or <c>missing</c>.</param>
internal sealed record ModelStatus(string Value);

[System.Text.Json.Serialization.JsonSourceGenerationOptions(PropertyNamingPolicy = System.Text.Json.Serialization.JsonKnownNamingPolicy.SnakeCaseLower)]
[System.Text.Json.Serialization.JsonSerializable(typeof(ModelListAnswer))]
[System.Text.Json.Serialization.JsonSerializable(typeof(ModelAnswer))]
internal sealed partial class ModelListJson : System.Text.Json.Serialization.JsonSerializerContext;
