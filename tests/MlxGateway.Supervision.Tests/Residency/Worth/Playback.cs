namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>Plays a trace's clients in virtual time to a policy that has room for one model.</summary>
/// <param name="trace">What the clients do.</param>
/// <param name="load">How long every load takes; stopping takes no time.</param>
internal abstract class Playback(Trace trace, TimeSpan load)
{
    /// <summary>How many requests a model serves at once.</summary>
    protected const int Slots = 4;

    private readonly PriorityQueue<Action, (DateTimeOffset At, long Order)> _agenda = new();
    private readonly ILookup<(int? After, bool WhenSent), TraceRequest> _next = trace.Requests.ToLookup(r => (r.After, r.WhenSent));
    private readonly List<Visit> _visits = [];
    private long _order;
    private int _over;

    /// <summary>How often a model was loaded.</summary>
    public int Loads { get; protected set; }

    /// <summary>What became of each request, in the order in which they were sent.</summary>
    public IReadOnlyList<Visit> Visits => _visits;

    protected Trace Trace => trace;

    protected TimeSpan Load => load;

    protected DateTimeOffset Now { get; private set; } = DateTimeOffset.UnixEpoch;

    /// <summary>When the policy wants to be woken; null: not at all.</summary>
    protected virtual DateTimeOffset? NextWake => null;

    /// <summary>Plays all of it.</summary>
    /// <exception cref="InvalidOperationException">Somebody was forgotten.</exception>
    public Figures Play()
    {
        SendAfter(null, whenSent: false);
        while (_over < trace.Requests.Count)
        {
            var wake = NextWake;
            if (_agenda.TryPeek(out var act, out var next) && !(wake < next.At))
            {
                _agenda.Dequeue();
                Now = next.At;
                act();
            }
            else if (wake > Now)
            {
                Now = wake.Value;
                Wake();
            }
            else
            {
                throw new InvalidOperationException($"{trace.Name}, seed {trace.Seed}: nothing happens any more, and {trace.Requests.Count - _over} requests are not over");
            }
        }

        return Figures.Of(this);
    }

    /// <summary>A request has come.</summary>
    protected abstract void Take(Visit visit);

    /// <summary>A request that was begun has its answer.</summary>
    protected abstract void Return(Visit visit);

    protected virtual void Wake()
    {
    }

    protected void In(TimeSpan delay, Action act) => _agenda.Enqueue(act, (Now + delay, ++_order));

    /// <summary>The model begins to work on it.</summary>
    protected void Begin(Visit visit)
    {
        visit.ServedAt = Now;
        In(visit.Request.Service, () =>
        {
            if (visit.End is VisitEnd.None)
            {
                Finish(visit, VisitEnd.Answered);
                Return(visit);
            }
        });
    }

    protected void Finish(Visit visit, VisitEnd end)
    {
        visit.End = end;
        visit.OverAt = Now;
        _over++;
        SendAfter(visit.Request.Number, whenSent: false);
    }

    private void SendAfter(int? number, bool whenSent)
    {
        foreach (var request in _next[(number, whenSent)])
        {
            In(request.Delay, () =>
            {
                var visit = new Visit(request, Now);
                _visits.Add(visit);
                SendAfter(request.Number, whenSent: true);
                Take(visit);
            });
        }
    }
}
