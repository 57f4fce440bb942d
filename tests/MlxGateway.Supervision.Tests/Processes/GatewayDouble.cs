using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>A gateway in a process of its own, so that it can be killed: this test program, started again with a variable that makes it one.</summary>
internal sealed class GatewayDouble : IAsyncDisposable
{
    private const string FolderVariable = "MLXGATEWAY_TEST_DOUBLE";

    /// <summary>One plain child, one that ignores SIGTERM, and one that forks away from group, session and parent.</summary>
    private static readonly string[] Scripts =
    [
        "echo pid $$; exec sleep 1000",
        "trap '' TERM; echo pid $$; while :; do sleep 0.1; done",
        """
        echo pid $$
        exec python3 -u -c "
        import os, signal, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                print('pid', os.getpid())
                time.sleep(1000)
            os._exit(0)
        time.sleep(1000)"
        """,
    ];

    private readonly Process _process;

    private GatewayDouble(Process process) => _process = process;

    public int Pid => _process.Id;

    public int Guard { get; private set; }

    /// <summary>The four processes that came of its three children.</summary>
    public IReadOnlyList<int> Pids { get; private set; } = [];

    public static async Task<GatewayDouble> StartAsync(string folder)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(GatewayDouble).Assembly.Location]) { RedirectStandardOutput = true };
        start.Environment[FolderVariable] = folder;
        var gateway = new GatewayDouble(Process.Start(start)!);
        var line = await gateway._process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Household.Long, TestContext.Current.CancellationToken);
        var pids = line!.Split(' ').Select(pid => int.Parse(pid, CultureInfo.InvariantCulture)).ToList();
        (gateway.Guard, gateway.Pids) = (pids[0], pids[1..]);
        return gateway;
    }

    public void Kill() => Signals.Send(Pid, Signals.Kill);

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

#pragma warning disable CA2255 // It must come before the test framework's own entry point.
    [ModuleInitializer]
    internal static void BecomeAGatewayIfTold()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder)
        {
            Serve(new Household(folder: folder));
        }
    }
#pragma warning restore CA2255

    private static void Serve(Household house)
    {
        // This thread still runs the module's initializer, for which every other one that runs our code would wait: so, no tasks here.
        var children = Scripts.Select(script => house.Shell(script)).ToList();
        List<string> pids;
        do
        {
            Thread.Sleep(20);
            pids = children.SelectMany(child => child.Output.Lines()).Where(line => line.StartsWith("pid ", StringComparison.Ordinal)).Select(line => line[4..]).ToList();
        }
        while (pids.Count < 4);

        Console.WriteLine($"{house.Children.Guard.Pid} {string.Join(' ', pids)}");
        Thread.Sleep(Timeout.Infinite);
    }
}
