using System.Diagnostics.CodeAnalysis;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Simulation;

/// <summary>One request, from the question to the lease given back. It settles exactly once, or the referee says so.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A cancellation source without a timer holds nothing that must be freed.")]
internal sealed class Client(World world, SimulatedModel model, ModelSpec spec, LeaseTerms terms, long number, Action? whenOver)
{

    private CancellationTokenSource? _leaves;
    private ModelLease? _lease;
    private bool _isOver;

    public long Number => number;

    public SimulatedModel Model => model;

    public ModelSpec Spec => spec;

    public LeaseTerms Terms => terms;

    /// <summary>Who may serve it in its model's place; null: nobody.</summary>
    public SimulatedModel? StandIn { get; } = terms.StandIn is { } other && other.Id != spec.Id ? world.ModelOf(other.Id) : null;

    public TimeSpan AskedAt { get; private set; }

    public long AskedIn { get; private set; }

    /// <summary>The moment in which it got its lease; −1: it has none.</summary>
    public long GrantedIn { get; private set; } = -1;

    /// <summary>Whether the world has seen its lease taken back.</summary>
    public bool IsTold { get; set; }

    /// <summary>How many people waited when it came, for whatever model.</summary>
    public int Ahead { get; private set; }

    public bool HasLeft { get; private set; }

    public SimulatedRunner? Runner => (SimulatedRunner?)_lease?.Runner;

    public ModelLease? Lease => _lease;

    /// <summary>Asks the pool. To be run as a task of the world.</summary>
    public void Ask()
    {
        AskedAt = world.Time.Now;
        AskedIn = world.Moment;
        Ahead = world.Referee.PeopleWaiting;
        var token = CancellationToken.None;
        if (world.Dice.Chance(world.Scenario.Leavers))
        {
            _leaves = new CancellationTokenSource();
            token = _leaves.Token;
            world.Time.In(world.Dice.Seconds(0.001, 60), Leave);
        }

        world.Referee.Asked(this);
        var outcome = world.Pool.AcquireAsync(spec, terms, token);
        if (outcome.IsCompleted)
        {
            Settle(outcome);
        }
        else
        {
            outcome.ContinueWith(Settle, CancellationToken.None, TaskContinuationOptions.None, world.Thread);
        }
    }

    /// <summary>Its connection to the runner has broken, or the pool has taken the lease back: sooner or later it notices.</summary>
    public void NoticeEnd() => world.Time.In(world.Scenario.LongestNotice * world.Dice.Fraction(), Release);

    private void Settle(Task<ModelLease> outcome)
    {
        if (outcome.IsCompletedSuccessfully)
        {
            _lease = outcome.Result;
            GrantedIn = world.Moment;
            world.Referee.Granted(this);
            world.Time.In(Hold(), Release);
            return;
        }

        if (outcome.IsCanceled)
        {
            world.Referee.Left(this);
        }
        else
        {
            world.Referee.Refused(this, outcome.Exception!.InnerException!);
        }

        whenOver?.Invoke();
    }

    // Some never get an end from their runner: their own time limit ends them.
    private TimeSpan Hold()
    {
        var scenario = world.Scenario;
        var hold = world.Dice.Chance(0.02 * scenario.Hazard) ? scenario.LongestHold : world.Dice.Arrival(scenario.MeanHold);
        return hold < scenario.LongestHold ? hold : scenario.LongestHold;
    }

    private void Leave()
    {
        HasLeft = true;
        _leaves!.Cancel();
        Release();
    }

    private void Release()
    {
        if (_lease is not null && !_isOver)
        {
            _isOver = true;
            world.Referee.Released(this);
            _lease.Dispose();
            whenOver?.Invoke();
        }
    }
}
