using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Processes;

/// <summary>Starts children, knows those that run, and leaves none behind.</summary>
internal sealed partial class ChildProcesses : IChildProcesses, IAsyncDisposable, IDisposable
{
    private const int LogsToKeep = 50;
    private const int SetChildSubreaper = 36;

    private static readonly TimeSpan GraceAtTheEnd = TimeSpan.FromSeconds(5);

    private readonly StateFolder _folder;
    private readonly IProcessTable _table;
    private readonly TimeProvider _time;
    private readonly ILogger<ChildProcesses> _logger;
    private readonly LogLimits _limits;
    private readonly ChildRegister _register;
    private readonly AdoptedOrphans _orphans;
    private readonly ConcurrentDictionary<int, ChildProcess> _running = new();
    private int _count;
    private volatile bool _disposed;

    public ChildProcesses(StateFolder folder, IProcessTable table, TimeProvider time, ILoggerFactory loggers, LogLimits? limits = null)
    {
        _folder = folder;
        _table = table;
        _time = time;
        _logger = loggers.CreateLogger<ChildProcesses>();
        _limits = limits ?? LogLimits.Default;
        Guard = new Guard(Mark, time, loggers.CreateLogger<Guard>());
        _register = new ChildRegister(Mark, folder, table, loggers.CreateLogger<ChildRegister>());
        _orphans = new AdoptedOrphans(table, time, () => _running.Values);
    }

    /// <summary>What this gateway is told from every other by, ever.</summary>
    public string Mark { get; } = Guid.NewGuid().ToString("N");

    internal Guard Guard { get; }

    public ChildProcess Start(ChildCommand command)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var mark = $"{Mark}.{Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture)}";
        var environment = new Dictionary<string, string>(command.Environment) { [Marks.Gateway] = Mark, [Marks.Child] = mark };
        Refuse(command, environment);
        var path = ExecutableSearch.Find(command);

        if (OperatingSystem.IsLinux())
        {
            // A grandchild whose parent dies comes to us then, instead of to init where we could not wait for it.
            _ = LibC.prctl(SetChildSubreaper, 1, 0, 0, 0);
        }

        Guard.EnsureStarted();
        var file = CreateLog(command.Label, mark);
        try
        {
            var request = new SpawnRequest(path, [command.Executable, .. command.Arguments], environment, ExecutableSearch.WorkingDirectory(command), file.Path, (int?)command.Input?.DangerousGetHandle());
            return Supervise(command.Label, mark, Spawner.Spawn(request), file);
        }
        catch (SpawnException e)
        {
            file.Dispose();
            File.Delete(file.Path);
            throw new ChildStartException(e.Explain(path));
        }
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await Task.WhenAll(_running.Values.Select(child => child.StopAsync(GraceAtTheEnd)));
        await _orphans.DisposeAsync();
        Guard.Dispose();
    }

    /// <summary>For a container that is not disposed asynchronously.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private static void Refuse(ChildCommand command, Dictionary<string, string> environment)
    {
        // A zero byte would silently end the text there.
        if (command.Arguments.Append(command.Executable).Concat(environment.Keys).Concat(environment.Values).Any(text => text.Contains('\0', StringComparison.Ordinal)))
        {
            throw new ChildStartException($"\"{command.Executable}\" cannot be started: an argument or a variable contains a zero character.");
        }

        if (environment.Keys.FirstOrDefault(name => name.Length == 0 || name.Contains('=', StringComparison.Ordinal)) is { } wrong)
        {
            throw new ChildStartException($"\"{command.Executable}\" cannot be started: \"{wrong}\" cannot be the name of a variable.");
        }
    }

    private LogFile CreateLog(string label, string mark)
    {
        try
        {
            var path = _folder.CreateLog(label, string.Concat(mark.AsSpan(0, 8), mark.AsSpan(Mark.Length)));
            _folder.DeleteOldLogs(LogsToKeep);
            return new LogFile(path, _limits);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ChildStartException($"The folder for the output of runners, \"{_folder.Logs}\", cannot be used: {e.Message}");
        }
    }

    private ChildProcess Supervise(string label, string mark, int pid, LogFile file)
    {
        var output = new OutputTail(file, _limits, _time);
        var child = new ChildProcess(label, new ProcessFamily(_table, pid, mark), output, _table, _time, _logger, Forget);
        _running[pid] = child;
        Guard.Add(pid);
        _register.Add(pid, label, file.Path);
        _orphans.Watch();
        _ = output.FollowFileAsync();
        _ = child.SuperviseAsync(ExitWait.DeathOf(pid));
        Log.Started(_logger, label, pid, file.Path);
        if (_disposed)
        {
            // It was started while the others were being stopped.
            _ = child.StopAsync(TimeSpan.Zero);
        }

        return child;
    }

    /// <summary>Called while the number of the child is still its own; afterwards the guard must not know it any more.</summary>
    private void Forget(ChildProcess child)
    {
        Guard.Remove(child.Pid);
        _register.Remove(child.Pid);
        _running.TryRemove(child.Pid, out _);
    }

    private static partial class Log
    {
        [LoggerMessage(2031, LogLevel.Debug, "{Label} started as process {Pid}; its output goes to {Path}.")]
        public static partial void Started(ILogger logger, string label, int pid, string path);
    }
}
