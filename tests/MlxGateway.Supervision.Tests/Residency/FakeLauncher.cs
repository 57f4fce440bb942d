using System.Threading.Channels;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Tests.Residency;

// Launches runners without processes. By itself it succeeds at once; a test that takes the orders decides each one's fate.
internal sealed class FakeLauncher : IRunnerLauncher
{
    private readonly Channel<Order> _orders = Channel.CreateUnbounded<Order>();
    private readonly Lock _lock = new();
    private readonly HashSet<int> _alive = [];
    private int _pids = 100;

    public bool ByItself { get; init; } = true;

    public FakeVitals? Vitals { get; init; }

    public Func<Exception>? ThrowsAtOnce { get; set; }

    public int MostAliveAtOnce { get; private set; }

    public int Alive
    {
        get
        {
            lock (_lock)
            {
                return _alive.Count;
            }
        }
    }

    public ValueTask<Order> NextAsync(CancellationToken cancellationToken) => _orders.Reader.ReadAsync(cancellationToken);

    public Task<IRunner> LaunchAsync(ModelSpec model, LaunchShape shape, int launch, CancellationToken cancellationToken)
    {
        if (ThrowsAtOnce is { } makeException)
        {
            throw makeException();
        }

        int pid;
        lock (_lock)
        {
            pid = ++_pids;
            _alive.Add(pid);
            MostAliveAtOnce = Math.Max(MostAliveAtOnce, _alive.Count);
        }

        var order = new Order(this, model, launch, pid, cancellationToken);
        if (ByItself)
        {
            order.Succeed();
            order.MayStop.TrySetResult();
        }

        _orders.Writer.TryWrite(order);
        return order.Outcome;
    }

    internal sealed class Order
    {
        private readonly TaskCompletionSource<IRunner> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly FakeLauncher _launcher;

        public Order(FakeLauncher launcher, ModelSpec model, int launch, int pid, CancellationToken cancellationToken)
        {
            _launcher = launcher;
            Model = model;
            Launch = launch;
            Runner = new FakeRunner(pid, StopAsync) { Vitals = launcher.Vitals };
            cancellationToken.UnsafeRegister(_ => Fail(new OperationCanceledException("cancelled")), null);
        }

        public ModelSpec Model { get; }

        public int Launch { get; }

        public FakeRunner Runner { get; }

        public TaskCompletionSource StopAsked { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource MayStop { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<IRunner> Outcome => _outcome.Task;

        public void Succeed() => _outcome.TrySetResult(Runner);

        public void Fail(Exception why)
        {
            if (_outcome.TrySetException(why))
            {
                Buried();
            }
        }

        private async Task StopAsync()
        {
            StopAsked.TrySetResult();
            await MayStop.Task;
            Buried();
        }

        private void Buried()
        {
            lock (_launcher._lock)
            {
                _launcher._alive.Remove(Runner.Pid);
            }
        }
    }
}
