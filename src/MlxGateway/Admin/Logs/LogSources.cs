using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Admin.Logs;

/// <summary>What can be read of logs: the gateway's own, and what the runners of each model write.</summary>
internal sealed class LogSources(GatewayLog gateway, RunnerOutputs runners, ModelCatalog catalog)
{
    /// <summary>The name of the gateway's own log. A model of that name is read by another of its names.</summary>
    public const string Gateway = "gateway";

    /// <summary>The log of that name. Exactly one of the two results is there.</summary>
    /// <param name="source"><see cref="Gateway"/>, or the id or an alias of a model; null: the gateway's.</param>
    public (LogSource? Source, GatewayError? Error) Find(string? source)
    {
        if (string.IsNullOrEmpty(source) || source == Gateway)
        {
            return (new LogSource(Gateway, gateway.Lines, gateway.Follow), null);
        }

        var known = catalog.Current;
        return known.Resolve(source) is { } model
            ? (new LogSource(model.Id, count => runners.Lines(model.Id, count) ?? [], onLine => runners.Follow(model.Id, onLine)), null)
            : (null, Refusals.UnknownModel(source, known, caller: null));
    }
}

/// <summary>One log.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Lines">Its last lines, oldest first.</param>
/// <param name="Follow">Calls back for every line from now on.</param>
internal sealed record LogSource(string Name, Func<int, IReadOnlyList<string>> Lines, Func<Action<string>, IDisposable> Follow);
