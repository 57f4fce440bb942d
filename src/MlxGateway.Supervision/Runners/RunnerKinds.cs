using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>Every kind of runner, by its name.</summary>
public sealed class RunnerKinds(IEnumerable<IRunnerKind> kinds)
{
    private readonly FrozenDictionary<string, IRunnerKind> _byName = kinds.ToFrozenDictionary(k => k.Name, StringComparer.Ordinal);

    // Every request asks several times, and some kinds read all of a model's arguments for the answer. A specification never changes, and goes with the catalog that it is in.
    private readonly ConditionalWeakTable<ModelSpec, RunnerManners> _manners = [];

    /// <summary>The names.</summary>
    public IReadOnlyList<string> Names => _byName.Keys;

    /// <summary>The kind of that name, or null.</summary>
    public IRunnerKind? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>How a request must look for the model's runner; null: its kind is not known here.</summary>
    public RunnerManners? MannersFor(ModelSpec model) =>
        _manners.TryGetValue(model, out var known) ? known : Find(model.Runner) is { } kind ? _manners.GetValue(model, kind.MannersFor) : null;
}
