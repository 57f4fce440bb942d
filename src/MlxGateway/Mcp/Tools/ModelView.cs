using MlxGateway.Inference;
using MlxGateway.Inference.Listing;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Mcp.Tools;

/// <summary>What tools see of models: the same that <c>/v1/models</c> says, as values.</summary>
internal sealed class ModelView(ModelCatalog catalog, IModelPool pool, KnownNeeds needs, MachineMemory machine)
{
    /// <summary>Everything of this moment that the caller may see.</summary>
    public async Task<(IReadOnlyList<KnownModel> Models, PoolSnapshot Pool)> LookAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var memory = await machine.NowAsync(pool.Snapshot, cancellationToken);
        var (known, snapshot) = (catalog.Current, pool.Snapshot);
        snapshot = snapshot with { Memory = memory ?? snapshot.Memory };
        var all = needs.Of(known);
        return ([.. known.Models.Where(call.MayUse).Select(m => KnownModel.In(snapshot, m, m.Name ?? m.Id, known.FirstSeen(m.Id)!.Value, all.GetValueOrDefault(m.Id)))], snapshot);
    }

    /// <summary>Whether the caller may be told of the model of this id, which may have gone since.</summary>
    public bool IsFor(string id, ToolCall call) => call.Caller.IsGoodFor(id, catalog.Current);

    /// <summary>The model of this name; null: there is none.</summary>
    /// <exception cref="ToolFailedException">The caller may not use it.</exception>
    public ModelSpec? Find(string name, ToolCall call)
    {
        var model = catalog.Current.Resolve(name);
        return model is not null && !call.MayUse(model) ? throw new ToolFailedException(Refusals.NotAllowed(model, call.Caller!).Message) : model;
    }

    /// <summary>The model of this name.</summary>
    /// <exception cref="ToolFailedException">There is none, or the caller may not use it.</exception>
    public ModelSpec Require(string name, ToolCall call)
    {
        if (Find(name, call) is { } model)
        {
            return model;
        }

        var near = catalog.Current.Nearest(name, 3).Where(n => catalog.Current.Resolve(n) is { } m && call.MayUse(m)).Select(static n => $"'{n}'").ToList();
        throw new ToolFailedException($"The model '{name}' is not known here. {(near.Count == 0 ? "" : $"Did you mean {string.Join(" or ", near)}? ")}list_models names all; download_model fetches one of the Hugging Face Hub.");
    }

    /// <summary>What could be had for a model now: what is free, and what idle models would leave for it. Null: it is in memory already, or memory could not be read.</summary>
    /// <param name="model">The model.</param>
    /// <param name="leaving">The id of one that is ended for it first, idle or not; null: none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ByteSize?> RoomForAsync(ModelSpec model, string? leaving, CancellationToken cancellationToken)
    {
        var memory = await machine.NowAsync(pool.Snapshot, cancellationToken);
        var snapshot = pool.Snapshot;
        snapshot = snapshot with { Memory = memory ?? snapshot.Memory, Models = [.. snapshot.Models.Where(m => m.Id != leaving)] };
        var need = needs.Of(catalog.Current).GetValueOrDefault(model.Id) ?? new MemoryNeeds([new MemoryNeed(ByteSize.Zero, "unknown")]);
        return ModelFit.Of(model, need, snapshot) is { Value: not Fit.Loaded } fit ? fit.Figures.Available + fit.Figures.Evictable : null;
    }
}
