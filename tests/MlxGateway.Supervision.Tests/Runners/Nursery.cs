using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>Starts real children, with a folder of their own. Disposing ends them all.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class Nursery : IAsyncDisposable
{
    public Nursery() =>
        Children = new ChildProcesses(new StateFolder(new ProcessesOptions { StateDirectory = In("state") }), ProcessTables.ForThisSystem(), TimeProvider.System, NullLoggerFactory.Instance);

    public string Folder { get; } = Directory.CreateTempSubdirectory("mlxgateway-runners-").FullName;

    public ChildProcesses Children { get; }

    public string In(string name) => Path.Combine(Folder, name);

    /// <summary>A shell script that can be started.</summary>
    public string Script(string name, string text, bool executable = true)
    {
        // Written beside it and moved: one that runs cannot be written over.
        var path = In(name);
        Scripts.Write(path + ".new", "#!/bin/sh\n" + text + "\n", executable ? "700" : "600");
        File.Move(path + ".new", path, overwrite: true);
        return path;
    }

    public RunnerLauncher Launcher(params IRunnerKind[] kinds) => Launcher(null, null, kinds);

    /// <summary>One whose kinds' own bounds go by this clock.</summary>
    public RunnerLauncher Launcher(TimeProvider time, params IRunnerKind[] kinds) => Launcher(null, time, kinds);

    public RunnerLauncher Launcher(SpareCompanion? spares, params IRunnerKind[] kinds) => Launcher(spares, null, kinds);

    private RunnerLauncher Launcher(SpareCompanion? spares, TimeProvider? time, IRunnerKind[] kinds) =>
        new(new RunnerKinds(kinds), Children, new PortAllocator(), new Readiness(TimeProvider.System), new KeptRunners(new RunnerKinds(kinds), Children, new Readiness(TimeProvider.System), TimeProvider.System, NullLogger<KeptRunners>.Instance), NullLogger<RunnerLauncher>.Instance, spares, time: time);

    public async ValueTask DisposeAsync()
    {
        await Children.DisposeAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            try
            {
                Directory.Delete(Folder, recursive: true);
                return;
            }
            catch (IOException) when (!patience.IsCancellationRequested)
            {
                // A search that has found what it wanted may have been starting another candidate, whose output is being closed.
                await Task.Yield();
            }
        }
    }

    /// <summary>Far longer than anything takes here, so that what hangs fails the test and not the run.</summary>
    public static CancellationToken Patience()
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(TimeSpan.FromSeconds(90));
        return source.Token;
    }
}

/// <summary>Another program that answers every request on a port of the loopback with 200.</summary>
internal sealed class Stranger : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly Task _serving;

    public Stranger(int port)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        _serving = ServeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                var stream = client.GetStream();
                _ = await stream.ReadAsync(new byte[4096]);
                await stream.WriteAsync("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"u8.ToArray());
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
        }
    }
}

/// <summary>A kind whose plan is what the test says; it is told each port before anything is started on it.</summary>
internal sealed class TestKind(Func<ModelSpec, int, LaunchPlan> plan) : IRunnerKind
{
    public List<int> Ports { get; } = [];

    public string Name => "test";

    public RunnerManners MannersFor(ModelSpec model) => new(model.Id, ReusesConnections: true);

    public ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken)
    {
        Ports.Add(port);
        return ValueTask.FromResult(plan(model, port));
    }

    public static LaunchPlan Shell(string script) => new() { Executable = "/bin/sh", Arguments = ["-c", script], ReadyPaths = ["/v1/models"] };

    public static LaunchPlan Demo(int port, params string[] more) => new()
    {
        Executable = Path.Combine(AppContext.BaseDirectory, "MlxGateway.DemoRunner"),
        Arguments = ["--port", port.ToString(CultureInfo.InvariantCulture), "--model", "m", .. more],
        ReadyPaths = ["/v1/models", "/health"],
    };
}
