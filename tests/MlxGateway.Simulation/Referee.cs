using System.Runtime.CompilerServices;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Simulation;

/// <summary>
/// Keeps books of its own of all that happens, and never asks the pool whether the pool is right. This file takes the news and judges what can be judged at once;
/// <c>AtRest</c> judges what must be true when everything that was begun in a moment has been heard of.
/// </summary>
internal sealed partial class Referee(World world)
{
    // The pool's alarm is rounded up to a millisecond, memory is read once a second and believed for two; the rest is room for coarse grains of time.
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(10);
    private readonly List<Unloading> _unloads = [];
    private readonly List<SimulatedRunner> _alive = [];
    private readonly List<(Client Client, LeaseRefusedException Refusal)> _refusals = [];
    private readonly LinkedList<Client> _waiting = [];
    private readonly Dictionary<Client, LinkedListNode<Client>> _places = [];
    private readonly List<SimulatedRunner> _adopted = [];
    private readonly List<(Client Client, SimulatedRunner Runner)> _backgroundGrants = [];
    private int _mostWaiting;
    private int _mostPeopleWaiting;

    // The pinned models that were in memory at any time in this moment.
    private ByteSize _pinned;
    private TimeSpan _lastDisturbance;

    // When a model last began to come or to go, or was done with it.
    private TimeSpan _lastTurn;

    /// <summary>How many requests wait.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>How many of them are not background work.</summary>
    public int PeopleWaiting => _waiting.Count(c => !c.Terms.IsBackground);

    public int Alive => _alive.Count;

    public long Grants { get; private set; }

    public long Launches { get; private set; }

    public (TimeSpan At, long In, TimeSpan Latest)? Shutdown { get; private set; }

    private Trace Trace => world.Trace;

    private Scenario Scenario => world.Scenario;

    private TimeSpan Now => world.Time.Now;

    /// <summary>Ends the world unless it holds.</summary>
    public void Demand(bool holds, [InterpolatedStringHandlerArgument("holds")] Otherwise otherwise)
    {
        if (!holds)
        {
            // Noted, and not only thrown: the pool, rightly, survives a launcher that throws.
            world.Thread.Fault ??= new BreachException(otherwise.ToString());
            throw world.Thread.Fault;
        }
    }

    /// <summary>Something from outside has undone what was under way: from now on, waiting is counted anew.</summary>
    public void Disturbed() => _lastDisturbance = Now;

    public void Asked(Client client)
    {
        Trace.Add(Happening.Asked, client.Model.Number, client.Number);
        client.Model.Ask(client.Spec, world.Moment);
        client.Model.Waiting.Add(client);
        client.StandIn?.StandsInFor.Add(client);
        Waits(client.Model, world.Moment);
        Waits(client.StandIn, world.Moment);
        _places.Add(client, _waiting.AddLast(client));
        _mostWaiting = Math.Max(_mostWaiting, _waiting.Count);
        _mostPeopleWaiting = Math.Max(_mostPeopleWaiting, PeopleWaiting);
    }

    /// <summary>An earlier gateway has left it in memory, and this one is told of it.</summary>
    public void Adopted(SimulatedRunner runner)
    {
        Trace.Add(Happening.Adopted, runner.Model.Number, runner.Launch, runner.Planned.Bytes);
        runner.Model.Alive = runner;
        runner.Model.LastUsed = Now;
        runner.Model.LastTouched = Now;
        _alive.Add(runner);
        _adopted.Add(runner);
    }

    public void Granted(Client client)
    {
        var runner = client.Runner!;
        var lease = client.Lease!;
        Trace.Add(Happening.Granted, client.Model.Number, client.Number, runner.Launch);
        Settled(client);
        Grants++;
        Demand(
            lease.Model.Id == runner.Spec.Id && (runner.Model == client.Model || runner.Model == client.StandIn) && lease.Launch == runner.Launch,
            $"client {client.Number} got a lease of something else");
        Demand(runner.ReadyAt is not null, $"client {client.Number} got a lease of a runner that is not ready");
        Demand(runner.DiedAt is null || runner.DiedAt == Now, $"client {client.Number} got a lease of a runner that is dead");
        Demand(runner.GoneAt is null, $"client {client.Number} got a lease of a runner of which nothing is left");
        Demand(
            runner.StopAskedAt is null || lease.Revocation.Reason is not RevocationReason.None,
            $"client {client.Number} got a lease of a runner that was told to stop, and is not told so");
        Demand(Shutdown is not { } end || end.In == world.Moment, $"client {client.Number} got a lease after the shutdown");
        Demand(lease.Queued >= TimeSpan.Zero && lease.Loading >= TimeSpan.Zero, $"a lease was granted before it was asked for");
        if (client.Terms.IsBackground)
        {
            Demand(lease.Revocation != runner.Revocation, $"client {client.Number} does background work, and its lease cannot end without those of people");
            _backgroundGrants.Add((client, runner));
        }
        else
        {
            Demand(runner.Revocation is null || runner.Revocation == lease.Revocation, $"two leases of launch {runner.Launch} of {lease.Model.Id} end by different words");
            runner.Revocation = lease.Revocation;
            runner.Model.LastPerson = Now;
            WantsToStay(runner, client, isSure: true);
        }

        runner.Grants++;
        runner.Holders.Add(client);
        runner.Model.LastUsed = Now;
        runner.Model.LastTouched = Now;
    }

    public void Released(Client client)
    {
        Trace.Add(Happening.Released, client.Model.Number, client.Number);
        var runner = client.Runner!;
        runner.Holders.Remove(client);
        runner.Model.LastTouched = Now;
        if (runner == runner.Model.Alive)
        {
            runner.Model.LastUsed = Now;
            runner.Model.LastPerson = client.Terms.IsBackground || client.Lease!.Revocation.Reason is not RevocationReason.None ? runner.Model.LastPerson : Now;
        }
    }

    public void Left(Client client)
    {
        Trace.Add(Happening.Left, client.Model.Number, client.Number);
        Demand(client.HasLeft, $"client {client.Number} was sent away as if it had left");
        foreach (var model in new[] { client.Model, client.StandIn })
        {
            if (model is not null)
            {
                // It may have been granted a lease that found it gone.
                model.LeftIn = world.Moment;
                model.LastTouched = Now;
                WantsToStay(model.Alive, client, isSure: false);
            }
        }

        Settled(client);
    }

    public void Refused(Client client, Exception why)
    {
        if (why is InvalidDataException)
        {
            Trace.Add(Happening.NeedUnknown, client.Model.Number, client.Number);
            Settled(client);
            return;
        }

        Demand(why is LeaseRefusedException, $"client {client.Number} got an error that is no refusal: {why}");
        var refusal = (LeaseRefusedException)why;
        Trace.Add(Happening.Refused, client.Model.Number, client.Number, (long)refusal.Reason);
        client.Model.LastTouched = Now;
        if (client.StandIn is { } other)
        {
            other.LastTouched = Now;
        }

        Settled(client);
        _refusals.Add((client, refusal));
    }

    public void Launching(SimulatedRunner runner)
    {
        _lastTurn = Now;
        var model = runner.Model;
        Trace.Add(Happening.Launching, model.Number, runner.Launch, runner.Planned.Bytes);
        Launches++;
        Demand(model.Alive is null, $"two processes of {runner.Spec.Id}");
        Demand(Shutdown is not { } end || end.In == world.Moment, $"{runner.Spec.Id} is launched after the shutdown");
        Demand(
            model.FailedLaunch is not { } failed || failed.Runner.Spec != runner.Spec || IsSentAway(failed.Runner) || failed.MayBeGivenUp || Now >= failed.At + Scenario.Options.Cooldown,
            $"{runner.Spec.Id} is launched before its cooldown is over");
        model.FailedLaunch = null;
        model.Alive = runner;
        _alive.Add(runner);
        _pinned += runner.Spec.Pinned ? runner.Planned : ByteSize.Zero;
        var planned = Sum(_alive);
        LookAtCompany(runner);
        Demand(planned <= world.Machine.MostUsable, $"{planned} are planned with {runner.Spec.Id}, and only {world.Machine.MostUsable} usable");
        Demand(
            world.Machine.LastReadAt is { } read && Now - read <= TimeSpan.FromSeconds(2),
            $"{runner.Spec.Id} is launched on a reading of memory that is too old");
    }

    public void Ready(SimulatedRunner runner)
    {
        _lastTurn = Now;
        Trace.Add(Happening.Ready, runner.Model.Number, runner.Launch);
        runner.Model.LastUsed = Now;
        runner.Model.LastTouched = Now;
    }

    public void LaunchFailed(SimulatedRunner runner)
    {
        Trace.Add(Happening.LaunchFailed, runner.Model.Number, runner.Launch);
        runner.Model.FailedLaunch = new FailedLaunch(runner, Now);
        Failed(runner.Model);
    }

    public void Died(SimulatedRunner runner)
    {
        Trace.Add(Happening.Died, runner.Model.Number, runner.Launch);
        runner.Holders.ForEach(h => h.NoticeEnd());
        Failed(runner.Model);
    }

    public void Cancelled(SimulatedRunner runner)
    {
        Trace.Add(Happening.Cancelled, runner.Model.Number, runner.Launch);
        runner.Leaves = true;
        if (IsLate(runner))
        {
            Failed(runner.Model);
            return;
        }

        Demand(IsSentAway(runner) || MayBeGivenUp(runner), $"the launch {runner.Launch} of {runner.Spec.Id} was given up, and nobody wanted that");
    }

    public void StopAsked(SimulatedRunner runner)
    {
        if (_adopted.Contains(runner) && runner.StartedIn == world.Moment)
        {
            Dismissed(runner);
            return;
        }

        Trace.Add(Happening.StopAsked, runner.Model.Number, runner.Launch);
        if (runner.ReadyAt is not null && IsLate(runner))
        {
            Failed(runner.Model);
        }

        if (runner.DiedAt is null)
        {
            Demand(runner.Holders.TrueForAll(h => h.Lease!.Revocation.Reason is not RevocationReason.None), $"{runner.Spec.Id} was stopped under {runner.Holders.Count} clients without a word");
        }
    }

    public void Gone(SimulatedRunner runner)
    {
        _lastTurn = Now;
        Trace.Add(Happening.Gone, runner.Model.Number, runner.Launch);
        if (_alive.Remove(runner))
        {
            runner.Model.Alive = null;
        }
    }

    public void Unload(SimulatedModel model)
    {
        Trace.Add(Happening.UnloadAsked, model.Number);
        model.UnloadedIn = world.Moment;
        Disturbed();
        var unloading = new Unloading(model, model.Alive, Now);
        _unloads.Add(unloading);
        world.Pool.UnloadAsync(model.Current.Id, CancellationToken.None).ContinueWith(_ => Unloaded(unloading), CancellationToken.None, TaskContinuationOptions.None, world.Thread);
    }

    public void ShuttingDown(TimeSpan patience)
    {
        Trace.Add(Happening.ShutdownAsked);
        var end = Now + patience;
        Shutdown = (Shutdown?.At ?? Now, Shutdown?.In ?? world.Moment, Shutdown is { Latest: var latest } && latest < end ? latest : end);
    }

    public void ShutDownIsOver()
    {
        Trace.Add(Happening.ShutDown);
        Demand(_alive.Count == 0, $"the shutdown is over, and {_alive.Count} runners are alive");
    }

    /// <summary>The world has come to its end.</summary>
    public void End()
    {
        Demand(_waiting.Count == 0, $"{_waiting.Count} requests were never settled");
        Demand(_unloads.Count == 0, $"somebody who asked for an unload was never told that it is done");
        Demand(_alive.Count == 0, $"a runner is alive at the end");
    }

    private void Unloaded(Unloading unloading)
    {
        Trace.Add(Happening.Unloaded, unloading.Model.Number);
        _unloads.Remove(unloading);
        Demand(unloading.Runner is not { GoneAt: null }, $"m{unloading.Model.Number} is said to be unloaded, and its process is there");
    }

    // Judged when the moment is over, as what it was refused for may come to be seen only after it.
    private void Judge(Client client, LeaseRefusedException refusal)
    {
        Demand(
            refusal.RetryAfter is not null || refusal.Reason is RefusalReason.InsufficientMemory,
            $"client {client.Number} is not told when to come back: {refusal.Message}");
        var (just, unjust) = refusal.Reason switch
        {
            RefusalReason.QueueFull when client.Terms.IsBackground => (_mostWaiting > Scenario.Options.QueueLimit, $"although only {_mostWaiting} waited"),
            RefusalReason.QueueFull => (_mostPeopleWaiting > Scenario.Options.QueueLimit, $"although only {_mostPeopleWaiting} people waited"),
            RefusalReason.InsufficientMemory => (CanNeverFit(client), "although it can fit"),
            RefusalReason.InsufficientMemoryNow => (IsShort(client), "although there was room, or too early"),
            RefusalReason.LaunchFailed => (HasFailed(client.Model) || (client.StandIn is { } other && HasFailed(other)), "although its cooldown is over, or it never failed"),
            RefusalReason.Yielded => (client.Terms.IsBackground && (!client.Terms.MayEvict || Now - client.AskedAt >= Scenario.Options.BackgroundPatience || _mostWaiting > Scenario.Options.QueueLimit), "although it is a person's, or too early"),
            _ => (Shutdown is not null, "although nobody has asked for a shutdown"),
        };
        Demand(just, $"client {client.Number} was refused {unjust}: {refusal.Message}");
    }

    private void Settled(Client client)
    {
        Demand(_places.Remove(client, out var place), $"client {client.Number} was settled twice");
        _waiting.Remove(place!);
        client.Model.Waiting.Remove(client);
        client.StandIn?.StandsInFor.Remove(client);
    }

    private static void Waits(SimulatedModel? model, long moment)
    {
        if (model is not null)
        {
            model.WaitedIn = model.PerhapsWaiting.Any() ? moment : model.WaitedIn;
            model.PersonWaitedIn = model.People.Any() ? moment : model.PersonWaitedIn;
            model.BackgroundWaitedIn = model.PerhapsWaiting.Any(c => c.Terms is { IsBackground: true, MayEvict: true }) ? moment : model.BackgroundWaitedIn;
        }
    }

    private void Failed(SimulatedModel model)
    {
        model.Failures++;
        model.LastFailure = Now;
        Disturbed();
    }

    private static ByteSize MostOfLeast(Client client)
    {
        var own = ByteSize.Max(client.Model.MostOfLeast, client.Model.NeedsOf(client.Spec).Least.Total);
        return client.StandIn is { } other ? ByteSize.Max(own, other.MostOfLeast) : own;
    }

    private bool CanNeverFit(Client client) => MostOfLeast(client) + _pinned > Scenario.Ceiling;

    private bool IsShort(Client client)
    {
        var most = MostOfLeast(client);
        var machine = world.Machine;
        var unknown = machine.LastBrokenAt is { } broken && Now - broken <= TimeSpan.FromSeconds(4);
        return Now - client.AskedAt >= TimeSpan.FromSeconds(30) && (unknown || most + _pinned > machine.LeastUsable);
    }

    private bool HasFailed(SimulatedModel model)
    {
        if (model.Alive is { } runner && IsLate(runner))
        {
            return true;
        }

        if (model.LastFailure is not { } last)
        {
            return false;
        }

        var cooldown = Scenario.Options.Cooldown * Math.Pow(2, Math.Min(model.Failures - 1, 16));
        var longest = TimeSpan.FromMinutes(5);
        return Now <= last + (cooldown < longest ? cooldown : longest);
    }

    // ... one that is ready in the very moment may come too late all the same.
    private bool IsLate(SimulatedRunner runner) => (runner.ReadyAt is null || runner.ReadyIn == world.Moment) && Now >= runner.StartedAt + Scenario.Options.LaunchTimeout;

    // Whether somebody wanted just this one out of memory.
    private bool IsSentAway(SimulatedRunner runner) =>
        Shutdown is not null || runner.Model.UnloadedIn >= runner.StartedIn || runner.Model.IsSuperseded(runner.Spec, runner.StartedIn);

    private static ByteSize Sum(IEnumerable<SimulatedRunner> runners) => runners.Aggregate(ByteSize.Zero, (sum, r) => sum + r.Planned);

    /// <summary>Words that are put together only if they are needed: nearly always the law holds.</summary>
    [InterpolatedStringHandler]
    public ref struct Otherwise
    {
        private DefaultInterpolatedStringHandler _words;

        public Otherwise(int literals, int holes, bool holds, out bool isNeeded)
        {
            isNeeded = !holds;
            _words = isNeeded ? new DefaultInterpolatedStringHandler(literals, holes) : default;
        }

        public void AppendLiteral(string words) => _words.AppendLiteral(words);

        public void AppendFormatted<T>(T value) => _words.AppendFormatted(value);

        public void AppendFormatted<T>(T value, string format) => _words.AppendFormatted(value, format);

        public override string ToString() => _words.ToStringAndClear();
    }

    private sealed record Unloading(SimulatedModel Model, SimulatedRunner? Runner, TimeSpan AskedAt);
}
