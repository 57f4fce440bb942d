using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Simulation;

/// <summary>One launch without a process: from the order to launch until nothing of it would be left. It lives and dies as its script says.</summary>
internal sealed class SimulatedRunner : IRunner
{
    private readonly World _world;
    private readonly CancellationToken _cancelled;
    private readonly TaskCompletionSource<IRunner> _launched = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<RunnerEnd> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _stopped;
    private double _taken;

    public SimulatedRunner(World world, SimulatedModel model, ModelSpec spec, LaunchShape shape, int launch, CancellationToken cancelled)
    {
        _world = world;
        _cancelled = cancelled;
        Model = model;
        Spec = spec;
        Launch = launch;
        StartedAt = world.Time.Now;
        StartedIn = world.Moment;
        var need = model.NeedsOf(spec).Choices.FirstOrDefault(n => n.Shape == shape);
        world.Referee.Demand(need is not null, $"{spec.Id} is launched in a way that was worked out for another version of it");
        Planned = need!.Total;
        LaunchedFor = [.. model.People.Where(c => c.AskedIn < world.Moment && !c.HasLeft)];
        _taken = world.Dice.Between(0, 0.5);
        Pid = world.Machine.Adopt(this);
    }

    /// <summary>One that an earlier gateway has launched and left in memory.</summary>
    public static SimulatedRunner Kept(World world, SimulatedModel model, LaunchShape shape)
    {
        var runner = new SimulatedRunner(world, model, model.Current, shape, 1, CancellationToken.None) { ReadyAt = world.Time.Now, ReadyIn = world.Moment, IsAdopted = true };
        runner._taken = world.Dice.Between(0.6, 1);
        return runner;
    }

    public SimulatedModel Model { get; }

    /// <summary>Whether an earlier gateway has launched it.</summary>
    public bool IsAdopted { get; private init; }

    public ModelSpec Spec { get; }

    public int Launch { get; }

    /// <summary>What it is counted with.</summary>
    public ByteSize Planned { get; }

    /// <summary>What it has of the machine now.</summary>
    public ByteSize InUse => DiedAt is null ? new((long)(Planned.Bytes * _taken)) : ByteSize.Zero;

    public TimeSpan StartedAt { get; }

    public long StartedIn { get; }

    public TimeSpan? ReadyAt { get; private set; }

    public long ReadyIn { get; private set; }

    public TimeSpan? DiedAt { get; private set; }

    public TimeSpan? StopAskedAt { get; private set; }

    public TimeSpan? CancelledAt { get; private set; }

    public TimeSpan? GoneAt { get; private set; }

    /// <summary>Since when the pool says that it drains; null: it does not.</summary>
    public TimeSpan? DrainsSince { get; set; }

    /// <summary>Whether the pool has begun to send it away.</summary>
    public bool Leaves { get; set; }

    /// <summary>How many leases of it clients have ever got.</summary>
    public int Grants { get; set; }

    /// <summary>Who holds leases.</summary>
    public List<Client> Holders { get; } = [];

    /// <summary>The end of its leases, those of background requests excepted; null before the first one.</summary>
    public Revocation? Revocation { get; set; }

    /// <summary>Those of <see cref="Holders"/> that nobody waits for.</summary>
    public IEnumerable<Client> Background => Holders.Where(h => h.Terms.IsBackground);

    /// <summary>The people who waited for it when it was launched.</summary>
    public List<Client> LaunchedFor { get; }

    /// <summary>How long it is to stay when it is not used, as far as requests said so; more than one where nobody can tell which was the last.</summary>
    public List<TimeSpan?> KeepAlives { get; } = [];

    /// <summary>The moment from which those are.</summary>
    public long KeepAlivesIn { get; set; } = -1;

    public Task<IRunner> Launched => _launched.Task;

    public int Pid { get; private set; }

    public Uri Address { get; } = new("http://127.0.0.1:1/");

    public HttpMessageInvoker Connections => throw new NotSupportedException("Nothing is sent to a simulated runner.");

    public RunnerManners Manners { get; } = new("simulated", ReusesConnections: false);

    public Task<RunnerEnd> Gone => _gone.Task;

    /// <summary>Draws its fate.</summary>
    /// <exception cref="LaunchFailedException">It cannot even be started.</exception>
    public void Begin()
    {
        if (!_world.IsCalm && _world.Dice.Chance(0.02 * _world.Scenario.Hazard))
        {
            _world.Referee.LaunchFailed(this);
            Buried();
            throw new LaunchFailedException("there is no engine");
        }

        var dice = _world.Dice;
        var hazard = _world.IsCalm ? 0 : _world.Scenario.Hazard;
        var load = Model.LoadTime(dice);
        if (Model.IsDoomed || dice.Chance(0.06 * hazard))
        {
            Model.IsDoomed = !Model.IsDoomed && dice.Chance(0.3);
            _world.Time.In(load * dice.Fraction(), () => Fail("exit code 1"));
        }
        else if (dice.Chance(0.03 * hazard))
        {
            // Never ready: only the pool's own time limit ends it.
        }
        else if (dice.Chance(0.05 * hazard))
        {
            // Somebody else has taken its port: it is started once more, as another process.
            _world.Time.In(load * dice.Fraction(), () => StartAgain(load));
        }
        else
        {
            _world.Time.In(load, Succeed);
        }
    }

    /// <summary>Looks whether the launch was cancelled. Asked in every moment, as a token's own callbacks would run on the thread pool.</summary>
    public void HearCancel()
    {
        if (CancelledAt is not null || ReadyAt is not null || GoneAt is not null || !_cancelled.IsCancellationRequested)
        {
            return;
        }

        CancelledAt = _world.Time.Now;
        _world.Referee.Cancelled(this);
        _world.Time.In(_world.Dice.Seconds(0.001, _world.Scenario.LongestStop.TotalSeconds), () => End(new OperationCanceledException("cancelled")));
    }

    public Task StopAsync()
    {
        if (_stopped is null)
        {
            _stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            StopAskedAt = _world.Time.Now;
            _world.Referee.StopAsked(this);
            _world.MayTakeWhatIsLeftBy(this);
            _world.Time.In(_world.Dice.Seconds(0.001, DiedAt is null ? _world.Scenario.LongestStop.TotalSeconds : 0.1), Stopped);
        }

        return _stopped.Task;
    }

    /// <summary>It ends by itself.</summary>
    public void Die()
    {
        if (DiedAt is null && GoneAt is null && ReadyAt is not null && !(_world.IsCalm && StopAskedAt is null))
        {
            DiedAt = _world.Time.Now;
            _world.Referee.Died(this);
            _gone.TrySetResult(new RunnerEnd("signal 9 (SIGKILL)"));
        }
    }

    private void StartAgain(TimeSpan load)
    {
        if (GoneAt is not null || _launched.Task.IsCompleted)
        {
            return;
        }

        _world.Machine.Bury(this);
        Pid = _world.Machine.Adopt(this);
        _world.Time.In(load, _world.Dice.Chance(0.2) ? () => Fail("its port was taken again") : Succeed);
    }

    // A cancelled launch that has become ready all the same is one that must be stopped.
    private void Succeed()
    {
        if (GoneAt is not null)
        {
            return;
        }

        ReadyAt = _world.Time.Now;
        ReadyIn = _world.Moment;
        _taken = _world.Dice.Between(0.6, 1);
        _world.Referee.Ready(this);
        _launched.TrySetResult(this);
        if (!_world.IsCalm && _world.Dice.Chance(Model.IsDoomed ? 1 : 0.15 * _world.Scenario.Hazard))
        {
            Model.IsDoomed = !Model.IsDoomed && _world.Dice.Chance(0.3);
            _world.Time.In(_world.Dice.Seconds(0.001, 100), Die);
        }
    }

    private void Fail(string why)
    {
        if (GoneAt is null && CancelledAt is null)
        {
            _world.Referee.LaunchFailed(this);
            End(new LaunchFailedException(why));
        }
    }

    private void End(Exception why)
    {
        if (GoneAt is null && ReadyAt is null)
        {
            Buried();
            _launched.TrySetException(why);
        }
    }

    private void Stopped()
    {
        Buried();
        _gone.TrySetResult(new RunnerEnd("exit code 0"));
        _stopped!.TrySetResult();
    }

    private void Buried()
    {
        GoneAt = _world.Time.Now;
        _world.Machine.Bury(this);
        _world.Referee.Gone(this);
    }
}
