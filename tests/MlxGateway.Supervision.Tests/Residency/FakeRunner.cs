using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Tests.Residency;

// A runner without a process. Whoever made it decides when it dies and when its stop is over.
internal sealed class FakeRunner(int pid = 1, Func<Task>? stop = null) : IRunner
{
    private readonly TaskCompletionSource<RunnerEnd> _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Uri Address { get; } = new($"http://127.0.0.1:{40_000 + pid}");

    public int Pid => pid;

    public HttpMessageInvoker Connections => throw new NotSupportedException("Nothing is sent to a fake runner.");

    public IVitals? Vitals { get; init; }

    public RunnerManners Manners { get; } = new("fake", ReusesConnections: false);

    public Task<RunnerEnd> Gone => _gone.Task;

    public bool CanBeKept { get; set; }

    public bool IsKept { get; private set; }

    public Task<bool> KeepAsync() => Task.FromResult(IsKept = CanBeKept);

    public async Task StopAsync()
    {
        await (stop?.Invoke() ?? Task.CompletedTask);
        Die("exit code 0");
    }

    public void Die(string how, bool wasKilled = false) => _gone.TrySetResult(new RunnerEnd(how, wasKilled));
}
