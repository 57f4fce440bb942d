using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// Carries out what the <see cref="ResidencyLedger"/> decides. One loop reads one channel, so the ledger has one caller and the
/// house needs no locks; whatever takes time runs beside it and reports its end as an event.
/// </summary>
internal sealed partial class ModelPool : IModelPool, IHostedService
{
    // After so many events the rest of the house hears the news, however many more are waiting.
    private const int BatchSize = 256;

    // What a timer takes at most is less than the longest idle time; an early alarm does no harm.
    private static readonly TimeSpan LongestAlarm = TimeSpan.FromDays(1);

    private readonly Channel<ResidencyEvent> _events = Channel.CreateUnbounded<ResidencyEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<string, RunnerLaunch> _launches = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _nothingLeft = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ResidencyLedger _ledger;
    private readonly IRunnerLauncher _launcher;
    private readonly IReadAhead _readAhead;
    private readonly IMemoryGauge _gauge;
    private readonly TimeProvider _time;
    private readonly TaskFactory _tasks;
    private readonly ILogger _logger;
    private readonly MemoryWatch _memory;
    private readonly FootprintWatch _footprints;
    private readonly SpareAllowance? _spares;
    private readonly IFootprintRecords? _records;
    private readonly LeaseGates _gates;
    private readonly Action<ModelLease> _release;
    private readonly Action<ResidencyEvent> _post;
    private readonly PoolMeasures _measures;
    private PublishedPool _published;

    // There while somebody waits for news.
    private TaskCompletionSource? _news;
    private Task? _loop;

    // Set before the loop hears of it, so that nobody is let in through a gate after the shutdown was ordered.
    private volatile bool _isLeaving;

    // Beside the ledger's own numbers, which forget the leases of a runner that has gone: one that nobody ever gives back would be seen by nobody.
    private int _leasesOut;

    // Read by the watches, which run beside the loop.
    private volatile StrongBox<TimeSpan> _hangTimeout;

    // Only the loop touches these.
    private readonly List<TaskCompletionSource> _unloaded = [];
    private long _publishedVersion;
    private bool _armed;

    /// <param name="options">How models come and go.</param>
    /// <param name="launcher">Makes runners.</param>
    /// <param name="readAhead">Reads files of models before they are launched.</param>
    /// <param name="gauge">Reads memory.</param>
    /// <param name="records">Where what runners were seen to take is kept; null: nowhere.</param>
    /// <param name="time">The clock.</param>
    /// <param name="scheduler">Runs the loop and all that runs beside it: the thread pool, or one thread in an order that can be repeated.</param>
    /// <param name="logger">The log.</param>
    /// <param name="spares">Processes that wait for the next launch; null: there are none.</param>
    public ModelPool(ResidencyOptions options, IRunnerLauncher launcher, IReadAhead readAhead, IMemoryGauge gauge, IFootprintRecords? records, TimeProvider time, TaskScheduler scheduler, ILogger<ModelPool> logger, ISpareRunners? spares = null)
    {
        _ledger = new ResidencyLedger(options);
        _hangTimeout = new(options.HangTimeout);
        _launcher = launcher;
        _readAhead = readAhead;
        _gauge = gauge;
        _time = time;
        _tasks = new TaskFactory(CancellationToken.None, TaskCreationOptions.DenyChildAttach, TaskContinuationOptions.None, scheduler);
        _logger = logger;
        _post = Post;
        _release = Release;
        _gates = new LeaseGates(time, _release);
        _published = new PublishedPool(_ledger, _gates);
        _memory = new MemoryWatch(gauge, time, _tasks, logger, _post, spares);
        _spares = spares is null ? null : new SpareAllowance(spares, _memory, time);
        _footprints = new FootprintWatch(gauge, time, logger, _post);
        _records = records;
        _measures = new PoolMeasures(time);
    }

    public PoolSnapshot Snapshot => Volatile.Read(ref _published).Now();

    public Task ChangedAsync(long version, CancellationToken cancellationToken)
    {
        var fresh = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var news = Interlocked.CompareExchange(ref _news, fresh, null) ?? fresh;

        // Looked at only now: what is published from here on finds somebody who waits.
        return Snapshot.Version != version ? Task.CompletedTask : news.Task.WaitAsync(cancellationToken);
    }

    public ModelLease? TryAcquire(ModelSpec model)
    {
        if (_isLeaving || _gates.TryGrant(model) is not { } lease)
        {
            return null;
        }

        Interlocked.Increment(ref _leasesOut);
        return lease;
    }

    public Task<ModelLease> AcquireAsync(ModelSpec model, LeaseTerms terms, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<ModelLease>(cancellationToken);
        }

        if (terms is { IsBackground: false, KeepAlive: null } && TryAcquire(model) is { } lease)
        {
            return Task.FromResult(lease);
        }

        MemoryNeeds? needs = null;
        if (!Volatile.Read(ref _published).SeesReady(model))
        {
            // Both may take milliseconds, so they are done here and not on the loop.
            try
            {
                needs = _gauge.NeedsOf(model);
            }
            catch (Exception exception)
            {
                return Task.FromException<ModelLease>(exception);
            }

            _memory.ReadIfOld();
        }

        var ticket = new LeaseTicket(model, needs, terms, _time.GetUtcNow());
        if (!_events.Writer.TryWrite(new ResidencyEvent.LeaseRequested(ticket)))
        {
            ticket.TryRefuse(Refusal.ShuttingDown());
        }

        return cancellationToken.CanBeCanceled && !ticket.Outcome.IsCompleted ? WaitAsync(ticket, cancellationToken) : ticket.Outcome;
    }

    public async Task UnloadAsync(string modelId, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_events.Writer.TryWrite(new ResidencyEvent.UnloadRequested(modelId, done)))
        {
            await done.Task.WaitAsync(cancellationToken);
        }
    }

    public void Reconfigure(ResidencyOptions options, CatalogSnapshot catalog)
    {
        _hangTimeout = new(options.HangTimeout);
        Post(new ResidencyEvent.Reconfigured(options, catalog));
    }

    public async Task<PoolExplanation> ExplainAsync(CancellationToken cancellationToken)
    {
        _memory.ReadIfOld(); // before the first request, and after a long silence, nobody else has looked
        var done = new TaskCompletionSource<PoolExplanation>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_events.Writer.TryWrite(new ResidencyEvent.ExplanationRequested(done)))
        {
            return await done.Task.WaitAsync(cancellationToken) with { LeasesOut = Volatile.Read(ref _leasesOut) };
        }

        // Once the loop has ended nobody else reads the ledger.
        await (_loop ?? Task.CompletedTask).WaitAsync(cancellationToken);
        return _ledger.Explain(_time.GetUtcNow()) with { LeasesOut = Volatile.Read(ref _leasesOut) };
    }

    /// <summary>Takes a runner in that an earlier gateway kept. It is ready then, if the settings allow it; otherwise it is stopped.</summary>
    internal void Adopt(AdoptedRunner adopted)
    {
        var needs = _gauge.NeedsOf(adopted.Model);
        var need = needs.Choices.FirstOrDefault(n => n.Shape.ToString() == adopted.Shape.ToString()) ?? needs.Best;
        _memory.Count(adopted.Runner.Pid);
        _memory.Read();
        Post(new ResidencyEvent.RunnerAdopted(adopted.Model, needs, need with { Shape = adopted.Shape }, adopted.Runner));
    }

    public Task ShutDownAsync(TimeSpan patience)
    {
        if (_loop is null)
        {
            return Task.CompletedTask;
        }

        _isLeaving = true;
        Post(new ResidencyEvent.ShutdownRequested(patience));
        return _nothingLeft.Task;
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _loop = _tasks.StartNew(RunAsync).Unwrap();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_loop is { } loop)
        {
            await ShutDownAsync(TimeSpan.Zero).WaitAsync(cancellationToken);
            _events.Writer.TryComplete();
            await loop.WaitAsync(cancellationToken);
        }
    }

    private async Task<ModelLease> WaitAsync(LeaseTicket ticket, CancellationToken cancellationToken)
    {
        var hangUp = cancellationToken.UnsafeRegister(
            static (state, token) =>
            {
                var (post, ticket) = ((Action<ResidencyEvent>, LeaseTicket))state!;
                if (ticket.TryAbandon(token))
                {
                    post(new ResidencyEvent.TicketAbandoned(ticket));
                }
            },
            (_post, ticket));
        try
        {
            return await ticket.Outcome;
        }
        finally
        {
            hangUp.Unregister();
        }
    }

    private RunnerLaunch LaunchOf(ModelSpec model, LaunchShape shape, int launch) =>
        new(model, shape, launch, _launcher, _memory, _footprints, _records, vitals => WatchFor(model.Id, vitals), _time, _tasks, _logger, _post);

    private HangWatch WatchFor(string model, IVitals vitals) =>
        new(model, vitals, () => Snapshot.Models.FirstOrDefault(m => m.Id == model)?.Leases ?? 0, () => _hangTimeout.Value, _time, _logger);

    private void Release(ModelLease lease)
    {
        Interlocked.Decrement(ref _leasesOut);
        if (!_gates.TryTakeBack(lease))
        {
            Post(new ResidencyEvent.LeaseReleased(lease.Model.Id, lease.Launch, lease.Revocation));
        }
    }

    // Refused only after the loop has ended, when nothing is left that the event could concern.
    private void Post(ResidencyEvent happened) => _events.Writer.TryWrite(happened);

    private async Task RunAsync()
    {
        using var alarm = _time.CreateTimer(_ => Post(new ResidencyEvent.TimeElapsed()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        while (await _events.Reader.WaitToReadAsync())
        {
            _gates.Close(_ledger);
            for (var i = 0; i < BatchSize && _events.Reader.TryRead(out var happened); i++)
            {
                _armed &= happened is not ResidencyEvent.TimeElapsed;
                Handle(happened);
            }

            try
            {
                Publish();
                Arm(alarm);
            }
            catch (Exception exception)
            {
                Log.LoopFault(_logger, nameof(Publish), exception);
            }

            // Whoever unloaded a model and looks then finds it gone.
            _unloaded.ForEach(static done => done.TrySetResult());
            _unloaded.Clear();
            _gates.Open(_ledger);
        }
    }

    private void Publish()
    {
        if (_publishedVersion != _ledger.Version)
        {
            _publishedVersion = _ledger.Version;
            _armed = false;
            Volatile.Write(ref _published, new PublishedPool(_ledger, _gates));
            Interlocked.Exchange(ref _news, null)?.TrySetResult();
            if (_ledger.Memory is { } memory)
            {
                _spares?.Tell(_ledger.IsShuttingDown ? ByteSize.Zero : memory.Usable - EvictionPlanner.Held(_ledger.Residents));
            }
        }
    }

    // An alarm holds until the ledger's version changes, so requests to ready models do not touch the timer.
    private void Arm(ITimer alarm)
    {
        if (_armed)
        {
            return;
        }

        if (_ledger.NextWake is { } wake)
        {
            // Rounded up: a timer that fires a fraction early would find nothing to do and fire again at once.
            var due = Math.Ceiling(Math.Clamp((wake - _time.GetUtcNow()).TotalMilliseconds, 0, LongestAlarm.TotalMilliseconds));
            alarm.Change(TimeSpan.FromMilliseconds(due), Timeout.InfiniteTimeSpan);
        }
        else
        {
            alarm.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        _armed = true;
    }

    private void Handle(ResidencyEvent happened)
    {
        try
        {
            var effects = _ledger.Apply(happened, _time.GetUtcNow());
            foreach (var effect in effects)
            {
                TryCarryOut(effect);
            }

            _measures.Note(happened, _ledger.Fresh, effects);
        }
        catch (Exception exception)
        {
            // A defect of ours. The other models' clients should not pay for it.
            Log.LoopFault(_logger, happened.GetType().Name, exception);
        }
    }

    // One effect that fails must not take those behind it with it.
    private void TryCarryOut(ResidencyEffect effect)
    {
        try
        {
            CarryOut(effect);
        }
        catch (Exception exception)
        {
            Log.LoopFault(_logger, effect.GetType().Name, exception);
        }
    }

    private void CarryOut(ResidencyEffect effect)
    {
        switch (effect)
        {
            case ResidencyEffect.GrantLease e:
                var lease = new ModelLease(e.Lease.Model, e.Lease.Launch, e.Lease.Runner, e.Lease.Revocation, e.Lease.Queued, e.Lease.Loading, _release)
                {
                    Load = e.Lease.Loading > TimeSpan.Zero ? _launches.GetValueOrDefault(e.Lease.Model.Id)?.Load : null,
                };
                Interlocked.Increment(ref _leasesOut);
                if (!e.Ticket.TryGrant(lease))
                {
                    lease.Dispose();
                }

                break;

            case ResidencyEffect.RefuseLease e:
                e.Ticket.TryRefuse(e.Refusal);
                break;

            case ResidencyEffect.StartRunner e:
                var launch = LaunchOf(e.Model, e.Shape, e.Launch);
                _launches[e.Model.Id] = launch;
                launch.Start();
                break;

            case ResidencyEffect.StopRunner e:
                _launches.Remove(e.Model, out var leaving);
                leaving!.Stop(e.HasServed);
                break;

            case ResidencyEffect.DetachRunner e:
                _launches.Remove(e.Model, out var staying);
                staying!.Detach(e.HasServed);
                break;

            case ResidencyEffect.WatchRunner e:
                var adopted = LaunchOf(e.Model, e.Shape, e.Launch);
                _launches[e.Model.Id] = adopted;
                adopted.TakeOver(e.Runner);
                break;

            case ResidencyEffect.DismissRunner e:
                Log.Dismissed(_logger, e.Model, e.Runner.Pid);
                _memory.Forget(e.Runner.Pid);
                _ = e.Runner.StopAsync();
                break;

            case ResidencyEffect.LearnFootprint e:
                // One that is being stopped has left, and is told with its stop.
                if (_launches.TryGetValue(e.Model, out var seen) && seen.Number == e.Launch)
                {
                    seen.Teach();
                }

                break;

            case ResidencyEffect.RevokeLeases e:
                Log.Revoked(_logger, e.Model, e.Launch, e.Reason);
                e.Revocation.Revoke(e.Reason, e.Detail);
                break;

            case ResidencyEffect.BeginReadAhead e:
                _readAhead.Begin(e.Model, e.Limit);
                break;

            case ResidencyEffect.EndReadAhead e:
                _readAhead.Cancel(e.Model);
                break;

            case ResidencyEffect.ObserveMemory:
                _memory.ReadInBackground();
                break;

            case ResidencyEffect.CompleteUnload e:
                _unloaded.Add(e.Done);
                break;

            case ResidencyEffect.CompleteExplanation e:
                e.Done.TrySetResult(e.Explanation);
                break;

            case ResidencyEffect.CompleteShutdown:
                _nothingLeft.TrySetResult();
                break;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3010, LogLevel.Warning, "The leases of model {Model} (launch {Launch}) are taken back: {Reason}.")]
        public static partial void Revoked(ILogger logger, string model, int launch, RevocationReason reason);

        [LoggerMessage(3011, LogLevel.Critical, "The pool's loop failed on {Event} and goes on.")]
        public static partial void LoopFault(ILogger logger, string @event, Exception exception);

        [LoggerMessage(3012, LogLevel.Warning, "The runner of model {Model} that an earlier gateway kept (process {Pid}) has no place here, and is stopped.")]
        public static partial void Dismissed(ILogger logger, string model, int pid);
    }
}
