using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Tests.Admin;

/// <summary>Models that the test puts there.</summary>
internal sealed class Shelf : IModelSource
{
    public IReadOnlyList<string> Ids { get; set; } = ["a", "b"];

    public IReadOnlyList<ModelSpec> Read(ModelSettings settings) => [.. Ids.Select(id => new ModelSpec { Id = id, Runner = "demo" })];
}

/// <summary>Somebody who may use one model alone, and steer nothing.</summary>
internal sealed class Only(string id) : ICaller
{
    public string Name => "only";

    public bool MaySteer => false;

    public bool MayUse(ModelSpec model) => model.Id == id;
}

/// <summary>A pool that the test plays.</summary>
internal sealed class PlayedPool(TimeProvider time) : IModelPool
{
    private readonly List<TaskCompletionSource<ModelLease>> _asked = [];
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiting;

    public PoolSnapshot Snapshot { get; private set; } = new([], default, default, false);

    public int Waiting => _waiting;

    public void Enter(string id, ResidentState state, TimeSpan? loadTime = null, string? failure = null)
    {
        var others = Snapshot.Models.Where(m => m.Id != id);
        Snapshot = Snapshot with
        {
            Models = state == ResidentState.Absent ? [.. others] : [.. others, new ResidentSnapshot(id, state, "demo", 1, 1, 0, 0, time.GetUtcNow(), default) { LoadTime = loadTime, Failure = failure }],
            Version = Snapshot.Version + 1,
        };
        var news = _news;
        _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        news.SetResult();
    }

    public async Task ChangedAsync(long version, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await (Snapshot.Version != version ? Task.CompletedTask : _news.Task.WaitAsync(cancellationToken));
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void ShutDown() => Snapshot = Snapshot with { IsShuttingDown = true, Version = Snapshot.Version + 1 };

    public void Refuse(LeaseRefusedException why) => _asked.ForEach(asked => asked.TrySetException(why));

    public Task<ModelLease> AcquireAsync(ModelSpec model, LeaseTerms terms, CancellationToken cancellationToken)
    {
        _asked.Add(new TaskCompletionSource<ModelLease>());
        return _asked[^1].Task;
    }

    public ModelLease? TryAcquire(ModelSpec model) => null;

    public Task UnloadAsync(string modelId, CancellationToken cancellationToken) => Task.CompletedTask;

    public void Reconfigure(ResidencyOptions options, CatalogSnapshot catalog)
    {
    }

    public Task<PoolExplanation> ExplainAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task ShutDownAsync(TimeSpan patience) => Task.CompletedTask;
}
