using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;
using static MlxGateway.Supervision.Residency.ResidencyEffect;
using static MlxGateway.Supervision.Residency.ResidencyEvent;

namespace MlxGateway.Supervision.Tests.Residency;

// A world around a ledger in which anything may happen, in any order. It keeps books of its own, and never asks the ledger whether the ledger is right.
internal sealed class Storm
{
    private const double Ceiling = 10;

    private static readonly (string Id, double Gigabytes, bool Pinned, int MaxConcurrency)[] Models =
        [("a", 6, false, 0), ("b", 6, false, 2), ("c", 3, false, 1), ("d", 11, false, 0), ("p", 1.5, true, 0), ("e", 2, false, 0)];

    // "c" and "e" would often fit together.
    private static readonly string[] Rivals = ["c", "e"];

    private readonly Random _random;
    private readonly ResidencyOptions _options;
    private readonly ResidencyLedger _ledger;
    private readonly Dictionary<string, ModelSpec> _specs;
    private readonly Dictionary<string, double> _needs = Models.ToDictionary(m => m.Id, m => m.Gigabytes, StringComparer.Ordinal);
    private readonly HashSet<LeaseTicket> _waiting = [];
    private readonly HashSet<LeaseTicket> _settled = [];
    private readonly List<Held> _leases = [];
    private readonly List<(string Model, int Launch)> _launching = [];
    private readonly List<(string Model, int Launch)> _running = [];
    private readonly List<(string Model, int Launch)> _stopping = [];
    private readonly HashSet<(string Model, int Launch)> _served = [];
    private readonly Dictionary<string, int> _alive = new(StringComparer.Ordinal);

    // What each of those alive is counted with: what it needs, or what it was seen to take if that was more.
    private readonly HashSet<string> _everKilled = new(StringComparer.Ordinal);
    private readonly Dictionary<string, double> _counted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _drainingSince = new(StringComparer.Ordinal);
    private readonly List<TaskCompletionSource> _unloads = [];
    private readonly string _name;
    private DateTimeOffset _now = DateTimeOffset.UnixEpoch;
    private double _usable = Ceiling;
    private double _told = -1;
    private bool _readingWanted;
    private bool _over;

    public Storm(int seed)
    {
        _random = new Random(seed);
        _specs = Models.ToDictionary(m => m.Id, m => new ModelSpec { Id = m.Id, Runner = "fake", Pinned = m.Pinned, MaxConcurrency = m.MaxConcurrency, Group = seed % 4 == 0 && Rivals.Contains(m.Id) ? "rivals" : null }, StringComparer.Ordinal);
        _options = new ResidencyOptions
        {
            MaxResident = seed % 3,
            SwapPatience = (seed / 3 % 3) switch { 0 => null, 1 => TimeSpan.Zero, _ => TimeSpan.FromSeconds(7) },
            DrainTimeout = TimeSpan.FromSeconds(seed % 5 == 0 ? 0 : 20),
            LaunchTimeout = TimeSpan.FromSeconds(60),
            IdleTimeout = TimeSpan.FromMinutes(1),
            Cooldown = TimeSpan.FromSeconds(seed % 7 == 0 ? 0 : 5),
            QueueLimit = 20,
            BackgroundPatience = TimeSpan.FromSeconds(30),
            BackgroundRespite = TimeSpan.FromSeconds(20),
        };
        _ledger = new ResidencyLedger(_options);
        _name = $"seed {seed}";
    }

    public int Granted { get; private set; }

    public int Launches { get; private set; }

    public int Grown { get; private set; }

    public void Rage(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            _now += TimeSpan.FromMilliseconds(_random.Next(3) == 0 ? 0 : _random.Next(0, 3000));
            AnyEvent();
        }
    }

    // Nothing new comes, other programs give the memory back, whatever was begun ends well: nobody may be left waiting, nor wait for long.
    public void Calm()
    {
        _usable = Ceiling;
        // For each who waits: a patience (also of those who become ready meanwhile), a drain, a stop, a load and a cooldown, one after the other.
        var end = _now + ((1 + _waiting.Count) * TimeSpan.FromSeconds(60 + 60 + 20 + 10)) + TimeSpan.FromMinutes(5);
        while (_waiting.Count > 0 || _launching.Count > 0 || _stopping.Count > 0)
        {
            Assert.True(_now <= end, $"{_name}: {_waiting.Count} still wait at {_now}");
            var pending = _leases.Count + _launching.Count + _stopping.Count + (_readingWanted ? 1 : 0);
            if (pending == 0)
            {
                var wake = _ledger.NextWake;
                Assert.True(wake is not null, $"{_name}: {_waiting.Count} wait for nothing");
                _now = wake.Value > _now ? wake.Value : _now + TimeSpan.FromMilliseconds(1);
                Tell(new TimeElapsed());
                continue;
            }

            _now += TimeSpan.FromMilliseconds(_random.Next(0, 500));
            EndSomething(_random.Next(pending));
            if (_ledger.NextWake <= _now)
            {
                Tell(new TimeElapsed());
            }
        }
    }

    public void ShutDown()
    {
        Tell(new ShutdownRequested(TimeSpan.FromSeconds(_random.Next(0, 30))));
        Assert.Empty(_waiting);
        while (_launching.Count + _stopping.Count > 0 || _ledger.NextWake is not null)
        {
            _now += TimeSpan.FromMilliseconds(_random.Next(0, 3000));
            switch (_random.Next(3))
            {
                case 0 when _stopping.Count > 0: EndStop(); break;
                case 1 when _leases.Count > 0: EndLease(); break;
                default: Tell(new TimeElapsed()); break;
            }
        }

        Assert.True(_over, $"{_name}: shutdown never completed");
        Assert.Empty(_alive);
        Assert.All(_ledger.Residents, r => Assert.False(r.HoldsMemory));
        Assert.All(_unloads, u => Assert.True(u.Task.IsCompletedSuccessfully));
    }

    private void AnyEvent()
    {
        switch (_random.Next(24))
        {
            case < 7: Ask(); break;
            case 7 when _waiting.Count > 0: Abandon(); break;
            case 8 or 9 when _leases.Count > 0: EndLease(); break;
            case 10 or 11 when _launching.Count > 0: EndLaunch(fails: _random.Next(5) == 0); break;
            case 12 or 13 when _stopping.Count > 0: EndStop(); break;
            case 14 when _running.Count > 0 && _random.Next(3) == 0: Crash(); break;
            case 15 when _random.Next(4) == 0: Unload(); break;
            case 16 when _random.Next(4) == 0: Change(); break;
            case 17: _usable = _random.Next(3) == 0 ? _random.NextDouble() * Ceiling : Ceiling; break;
            case 18: Read(); break;
            case 19: StaleNews(); break;
            case 20 or 21 when _alive.Count > 0: Look(); break;
            default: Tell(new TimeElapsed()); break;
        }
    }

    private void EndSomething(int which)
    {
        if (which < _leases.Count)
        {
            EndLease();
        }
        else if (which < _leases.Count + _launching.Count)
        {
            EndLaunch(fails: false);
        }
        else if (which < _leases.Count + _launching.Count + _stopping.Count)
        {
            EndStop();
        }
        else
        {
            Read();
        }
    }

    private void Ask()
    {
        // As the pool does, mostly: a reading first.
        if (_random.Next(4) != 0)
        {
            Read();
        }

        var id = Models[_random.Next(Models.Length)].Id;
        var ticket = new LeaseTicket(_specs[id], new MemoryNeed(ByteSize.FromGigabytes(_needs[id]), "as configured"), Terms(), _now);
        _waiting.Add(ticket);
        Tell(new LeaseRequested(ticket));
    }

    private LeaseTerms Terms() => new()
    {
        IsBackground = _random.Next(4) == 0,
        Client = _random.Next(3).ToString(System.Globalization.CultureInfo.InvariantCulture),
        KeepAlive = _random.Next(12) switch { 0 => TimeSpan.Zero, 1 => Timeout.InfiniteTimeSpan, 2 => TimeSpan.FromSeconds(20), _ => null },
        StandIn = _random.Next(8) == 0 ? _specs["p"] : null,
    };

    private void Abandon()
    {
        var ticket = _waiting.ElementAt(_random.Next(_waiting.Count));
        _waiting.Remove(ticket);
        Assert.True(_settled.Add(ticket));
        Tell(new TicketAbandoned(ticket));
    }

    private void EndLease()
    {
        var lease = Take(_leases);
        if (lease.Revocation.Reason is RevocationReason.None or RevocationReason.Yielded)
        {
            _served.Add((lease.Model, lease.Launch));
        }

        Tell(new LeaseReleased(lease.Model, lease.Launch, lease.Revocation));
    }

    private void EndLaunch(bool fails)
    {
        var launch = Take(_launching);
        if (fails)
        {
            _alive.Remove(launch.Model);
            Tell(new LaunchFailed(launch.Model, launch.Launch, "out of luck", AnyCause(launch.Model)));
        }
        else
        {
            _running.Add(launch);
            Tell(new LaunchSucceeded(launch.Model, launch.Launch, new FakeRunner()));
        }
    }

    private void EndStop()
    {
        var stopped = Take(_stopping);
        _alive.Remove(stopped.Model);
        if (_random.Next(2) == 0)
        {
            Read();
        }

        Tell(new RunnerStopped(stopped.Model, stopped.Launch));
    }

    private void Crash()
    {
        var (model, launch) = Take(_running);
        Tell(_random.Next(4) == 0 ? new RunnerHung(model, launch, "it did not answer") : new RunnerExited(model, launch, "signal 9 (SIGKILL)", AnyCause(model)));
        Assert.All(_leases.Where(l => l.Model == model && l.Launch == launch), l => Assert.True(l.Revocation.Token.IsCancellationRequested, $"{_name}: a lease outlived its runner"));
    }

    // One that was ever killed for memory may be counted with more, and nobody but the ledger knows how much more it is just now.
    private double CountOf(string model)
    {
        var told = _ledger.Residents.Single(r => r.Id == model).Need.Total.Bytes / (double)(1L << 30);
        Assert.InRange(told, _needs[model] - 1e-6, (_everKilled.Contains(model) ? Math.Pow(1.25, 3) * _needs[model] : _needs[model]) + 1e-6);
        return told;
    }

    private EndCause AnyCause(string model)
    {
        if (_random.Next(3) != 0)
        {
            return EndCause.Itself;
        }

        _everKilled.Add(model);
        return EndCause.KilledForMemory;
    }

    private void Unload()
    {
        var done = new TaskCompletionSource();
        _unloads.Add(done);
        Tell(new UnloadRequested(Models[_random.Next(Models.Length)].Id, done));
    }

    private void Change()
    {
        var id = Models[_random.Next(Models.Length)].Id;
        _specs[id] = _specs[id] with { Source = _random.Next(3).ToString(System.Globalization.CultureInfo.InvariantCulture) };
    }

    private void Read()
    {
        _readingWanted = false;
        _told = _usable;
        Tell(new MemoryObserved(new MemoryObservation(ByteSize.FromGigabytes(Ceiling), ByteSize.FromGigabytes(_usable))));
    }

    // Mostly a little more or less than it needs, now and then far more.
    private void Look()
    {
        var (model, launch) = _alive.ElementAt(_random.Next(_alive.Count));
        var seen = _needs[model] * (_random.Next(4) == 0 ? 2 * _random.NextDouble() : 0.9 + (0.2 * _random.NextDouble()));
        var bytes = ByteSize.FromGigabytes(seen);
        Tell(new FootprintObserved(model, launch, bytes));
        _counted[model] = Math.Max(_counted[model], bytes.Bytes / (double)(1L << 30));
        var resident = _ledger.Residents.Single(r => r.Id == model);
        Assert.True(Math.Abs((resident.Need.Total - ByteSize.FromGigabytes(_counted[model])).Bytes) <= 1, $"{_name}: {model} is counted with {resident.Need.Total} instead of {_counted[model]} GB");
        Grown += _counted[model] > _needs[model] ? 1 : 0;
    }

    private void StaleNews()
    {
        var model = Models[_random.Next(Models.Length)].Id;
        var launch = (_ledger.Residents.FirstOrDefault(r => r.Id == model)?.Launch ?? 1) - 1;
        Tell(_random.Next(6) switch
        {
            0 => new LaunchSucceeded(model, launch, new FakeRunner()),
            1 => new LaunchFailed(model, launch, "stale"),
            2 => new RunnerExited(model, launch, "stale"),
            3 => new RunnerStopped(model, launch),
            4 => new FootprintObserved(model, launch, ByteSize.FromGigabytes(9)),
            _ => new LeaseReleased(model, launch, new Revocation()),
        });
    }

    // Background work that was told to end is out until it has done so.
    private static bool IsOut(Held lease, Resident resident) => lease.Revocation.Reason is RevocationReason.None || (lease.Revocation.Reason is RevocationReason.Yielded && resident.State is ResidentState.Ready or ResidentState.Draining);

    private void Tell(ResidencyEvent happened)
    {
        var version = _ledger.Version;
        foreach (var effect in _ledger.Apply(happened, _now).ToArray())
        {
            See(effect);
        }

        // What could be done has been done, or an alarm is set for it: there may be no other event for a long time.
        if (version != _ledger.Version && !(_ledger.NextWake <= _now))
        {
            var undone = _ledger.Apply(new TimeElapsed(), _now).Where(e => e is not ObserveMemory).ToList();
            Assert.True(undone.Count == 0, $"{_name}: {happened.GetType().Name} at {_now} left undone: {string.Join(", ", undone)}");
        }

        Assert.Equal(_waiting.Count, _ledger.Waiting);
        foreach (var resident in _ledger.Residents)
        {
            Assert.Equal(_leases.Count(l => l.Model == resident.Id && l.Launch == resident.Launch && IsOut(l, resident)), resident.Leases);
            Assert.True(resident.Spec.MaxConcurrency == 0 || resident.Leases <= resident.Spec.MaxConcurrency, _name);
            if (resident.State is ResidentState.Draining)
            {
                _drainingSince.TryAdd(resident.Id, _now);
            }
            else
            {
                _drainingSince.Remove(resident.Id);
            }
        }
    }

    private void See(ResidencyEffect effect)
    {
        switch (effect)
        {
            case StartRunner e:
                Assert.True(_alive.TryAdd(e.Model.Id, e.Launch), $"{_name}: two processes of {e.Model.Id}");
                _launching.Add((e.Model.Id, e.Launch));
                Launches++;
                _counted[e.Model.Id] = CountOf(e.Model.Id);
                var planned = _alive.Keys.Sum(id => _counted[id]);
                Assert.True(planned <= _told + 1e-9, $"{_name}: {planned} GB planned, {_told} GB usable");
                Assert.False(_specs[e.Model.Id].Group is { } group && _alive.Keys.Any(id => id != e.Model.Id && _specs[id].Group == group), $"{_name}: rivals together");

                // Whoever leaves does not count, only its bytes; nothing but the ledger tells that somebody has begun to drain.
                var counted = _alive.Keys.Count(id => !_specs[id].Pinned && !_ledger.Residents.Any(r => r.Id == id && r.IsLeaving));
                Assert.True(_options.MaxResident == 0 || e.Model.Pinned || counted <= _options.MaxResident, $"{_name}: {counted} models in memory");
                break;

            case StopRunner e:
                Assert.Equal(e.Launch, _alive[e.Model]);
                Assert.Equal(_served.Contains((e.Model, e.Launch)), e.HasServed);
                Assert.DoesNotContain(_leases, l => l.Model == e.Model && l.Launch == e.Launch && !l.Revocation.Token.IsCancellationRequested);
                _launching.RemoveAll(l => l.Model == e.Model);
                _running.RemoveAll(l => l.Model == e.Model);
                _stopping.Add((e.Model, e.Launch));
                break;

            case RevokeLeases e:
                Assert.True(
                    e.Reason is not RevocationReason.Evicted || _options.DrainTimeout == TimeSpan.Zero || _now - _drainingSince[e.Model] >= _options.DrainTimeout,
                    $"{_name}: {e.Model} lost its leases before its time");
                e.Revocation.Revoke(e.Reason);
                break;

            case GrantLease e:
                Assert.True(_waiting.Remove(e.Ticket) && _settled.Add(e.Ticket), $"{_name}: settled twice");
                Assert.Contains((e.Lease.Model.Id, e.Lease.Launch), _running);
                Assert.False(e.Lease.Revocation.Token.IsCancellationRequested, $"{_name}: a revoked lease was granted");
                Assert.False(
                    e.Ticket.Terms.IsBackground && (_waiting.Any(w => !w.Terms.IsBackground && w.Model.Id == e.Lease.Model.Id) || _leases.Exists(l => l.Model == e.Lease.Model.Id && l.Launch == e.Lease.Launch && l.IsPersons)),
                    $"{_name}: background work before or beside a person");
                _leases.Add(new Held(e.Lease.Model.Id, e.Lease.Launch, e.Lease.Revocation, !e.Ticket.Terms.IsBackground));
                Granted++;
                break;

            case RefuseLease e:
                Assert.True(_waiting.Remove(e.Ticket) && _settled.Add(e.Ticket), $"{_name}: settled twice");
                Assert.True(e.Refusal.RetryAfter is not null || e.Refusal.Reason is RefusalReason.InsufficientMemory, $"{_name}: {e.Refusal}");
                Assert.True(e.Ticket.WaitsFor != "d" || e.Refusal.Reason is not RefusalReason.LaunchFailed, _name);
                break;

            case LearnFootprint e:
                Assert.Contains((e.Model, e.Launch), _served);
                break;

            case CompleteUnload e:
                e.Done.SetResult();
                break;

            case CompleteShutdown:
                Assert.False(_over, _name);
                _over = true;
                break;

            case ObserveMemory:
                _readingWanted = true;
                break;
        }
    }

    private T Take<T>(List<T> list)
    {
        var index = _random.Next(list.Count);
        var item = list[index];
        list.RemoveAt(index);
        return item;
    }

    private sealed record Held(string Model, int Launch, Revocation Revocation, bool IsPersons);
}
