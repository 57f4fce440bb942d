namespace MlxGateway.Simulation;

/// <summary>Runs every task on the thread that asks for the next one: in the order in which they came, or in an order that is drawn, as a pool of threads has none.</summary>
internal sealed class OneThread(Dice? order) : TaskScheduler
{
    private readonly List<Task> _ready = [];
    private int _first;

    public override int MaximumConcurrencyLevel => 1;

    /// <summary>How many tasks have had their turn.</summary>
    public long Turns { get; private set; }

    /// <summary>The first law that was broken inside a task, where whoever ran it might have swallowed it.</summary>
    public BreachException? Fault { get; set; }

    /// <summary>Runs one. False: there is none.</summary>
    public bool RunOne()
    {
        var count = _ready.Count - _first;
        if (count == 0)
        {
            _ready.Clear();
            _first = 0;
            return false;
        }

        var at = _first;
        if (order is not null && count > 1)
        {
            var drawn = _first + order.Below(count);
            (_ready[at], _ready[drawn]) = (_ready[drawn], _ready[at]);
        }

        _first++;
        Turns++;
        TryExecuteTask(_ready[at]);
        return true;
    }

    /// <summary>Puts something in line.</summary>
    public void Post(Action work) => new Task(work).Start(this);

    protected override void QueueTask(Task task) => _ready.Add(task);

    // Never in the middle of another one: what a thread pool does at once, it may also do later.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _ready.Skip(_first);
}
