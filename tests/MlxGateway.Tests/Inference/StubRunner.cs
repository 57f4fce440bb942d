using MlxGateway.Supervision.Runners;

namespace MlxGateway.Tests.Inference;

/// <summary>A runner at a port of the loopback that the test chose.</summary>
internal sealed class StubRunner(int port, HttpMessageInvoker? connections = null) : IRunner
{
    private readonly TaskCompletionSource<RunnerEnd> _gone = new();

    public Uri Address { get; } = new($"http://127.0.0.1:{port}");

    public int Pid => 1;

    public HttpMessageInvoker Connections { get; } = connections ?? RunnerConnections.Open(secret: null);

    public RunnerManners Manners { get; init; } = new("m", ReusesConnections: false);

    public Task<RunnerEnd> Gone => _gone.Task;

    public void Die(string how) => _gone.TrySetResult(new RunnerEnd(how));

    public Task StopAsync() => Task.CompletedTask;
}
