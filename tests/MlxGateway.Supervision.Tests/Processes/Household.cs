using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>A gateway's processes in a state folder of their own, and the means to look at them from outside.</summary>
internal sealed class Household : IAsyncDisposable
{
    public static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    private readonly Lazy<ChildProcesses> _children;

    public Household(LogLimits? limits = null, string? folder = null, TimeProvider? time = null)
    {
        Folder = folder ?? Directory.CreateTempSubdirectory("mlxgateway-").FullName;
        State = new StateFolder(new ProcessesOptions { StateDirectory = Folder });
        _children = new Lazy<ChildProcesses>(() => new ChildProcesses(State, Table, time ?? TimeProvider.System, NullLoggerFactory.Instance, limits));
    }

    public static IProcessTable Table { get; } = ProcessTables.ForThisSystem();

    public string Folder { get; }

    public StateFolder State { get; }

    public ChildProcesses Children => _children.Value;

    public static Dictionary<string, string> Variables => new() { ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin", ["LANG"] = "C.UTF-8" };

    public ChildProcess Shell(string script, params string[] arguments) => Start("/bin/sh", ["-c", script, "sh", .. arguments]);

    public ChildProcess Python(string script, params string[] arguments) => Start("python3", ["-u", "-c", script, .. arguments]);

    public ChildProcess Start(string executable, IReadOnlyList<string> arguments, string? workingDirectory = null) => Children.Start(
        new ChildCommand { Label = "test", Executable = executable, Arguments = arguments, Environment = Variables, WorkingDirectory = workingDirectory });

    /// <summary>What it wrote until it ended by itself.</summary>
    public static async Task<IReadOnlyList<string>> OutputOf(ChildProcess child)
    {
        await child.Exited.WaitAsync(Long, TestContext.Current.CancellationToken);
        return child.Output.Lines();
    }

    /// <summary>The next line that begins with a word, without that word.</summary>
    public static async Task<string> Said(ChildProcess child, string word)
    {
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var follower = child.Output.Follow(line =>
        {
            if (line.StartsWith(word + " ", StringComparison.Ordinal))
            {
                said.TrySetResult(line[(word.Length + 1)..]);
            }
        });
        return await said.Task.WaitAsync(Long, TestContext.Current.CancellationToken);
    }

    public static async Task<int> SaidPid(ChildProcess child, string word) => int.Parse(await Said(child, word), System.Globalization.CultureInfo.InvariantCulture);

    public static bool Lives(int pid) => Table.Find(pid) is { IsZombie: false };

    public static async Task Until(Func<bool> condition, string what)
    {
        var deadline = Environment.TickCount64 + (long)Long.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, $"Still not so: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_children.IsValueCreated)
        {
            await _children.Value.DisposeAsync();
        }

        Directory.Delete(Folder, recursive: true);
    }
}
