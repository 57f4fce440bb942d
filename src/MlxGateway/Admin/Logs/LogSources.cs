using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Admin.Logs;

/// <summary>What can be read of logs: the gateway's own, and what the runners of each model write.</summary>
internal sealed class LogSources(GatewayLog gateway, RunnerOutputs runners, ModelCatalog catalog)
{
    /// <summary>The name of the gateway's own log. A model of that name is read by another of its names.</summary>
    public const string Gateway = "gateway";

    /// <summary>What llama-swap's users call all that the runners write, whichever of them does.</summary>
    public const string Upstream = "upstream";

    /// <summary>The log of that name. Exactly one of the two results is there.</summary>
    /// <param name="source"><see cref="Gateway"/>, or the id or an alias of a model; null: the gateway's.</param>
    /// <param name="caller">Who wants to read it.</param>
    public (LogSource? Source, GatewayError? Error) Find(string? source, ICaller? caller)
    {
        if (string.IsNullOrEmpty(source) || source == Gateway)
        {
            return (new LogSource(Gateway, gateway.Lines, gateway.Follow), null);
        }

        var (model, error) = catalog.Current.ResolveFor(caller, source);
        return error is not null ? (null, error) : (new LogSource(model!.Id, count => runners.Lines(model.Id, count) ?? [], onLine => runners.Follow(model.Id, onLine)), null);
    }

    /// <summary>What the runners of all models write that are known now and are the caller's to see, each line by itself.</summary>
    public LogSource OfAllRunners(ICaller? caller)
    {
        var models = catalog.Current.Models.Where(model => caller.IsGoodFor(model)).Select(static model => model.Id).ToList();
        return new LogSource(
            Upstream,
            count => [.. models.SelectMany(model => runners.Lines(model, count) ?? []).TakeLast(count)],
            onLine => new Followers([.. models.Select(model => runners.Follow(model, onLine))]));
    }

    private sealed class Followers(IReadOnlyList<IDisposable> all) : IDisposable
    {
        public void Dispose()
        {
            foreach (var one in all)
            {
                one.Dispose();
            }
        }
    }
}

/// <summary>One log.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Lines">Its last lines, oldest first.</param>
/// <param name="Follow">Calls back for every line from now on.</param>
internal sealed record LogSource(string Name, Func<int, IReadOnlyList<string>> Lines, Func<Action<string>, IDisposable> Follow);
