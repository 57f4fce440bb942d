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
    private readonly KeptChildren _kept;
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
        _kept = new KeptChildren(folder, table);
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
            var request = new SpawnRequest(path, [command.Executable, .. command.Arguments], environment, ExecutableSearch.WorkingDirectory(command), file.Path, Input: null);
            var pid = Spawner.Spawn(request);

            // It is alive or a zombie, so it is found; a start time of 0 would match no process later.
            return Supervise(command.Label, mark, new BornLeader(_table.Find(pid)?.Identity ?? new ProcessIdentity(pid, 0)), _time.GetUtcNow(), file);
        }
        catch (SpawnException e)
        {
            file.Dispose();
            File.Delete(file.Path);
            throw new ChildStartException(e.Explain(path));
        }
    }

    public IReadOnlyList<AdoptedChild> AdoptKept()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var adopted = new List<AdoptedChild>();
        foreach (var (path, kept) in _kept.Take())
        {
            try
            {
                Guard.EnsureStarted();
                var child = Supervise(kept.Label, kept.Mark, new AdoptedLeader(kept.Leader, _table, _time), kept.StartedAt, OpenLog(kept));
                File.Delete(path); // it is in our own record now
                adopted.Add(new AdoptedChild(child, kept.Note));
            }
            catch (Exception e) when (e is ChildStartException or IOException or UnauthorizedAccessException)
            {
                Log.NotAdopted(_logger, kept.Label, kept.Leader.Pid, e);
            }
        }

        return adopted;
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

    private LogFile OpenLog(KeptChild kept)
    {
        try
        {
            return new LogFile(Path.Combine(_folder.Logs, Path.GetFileName(kept.LogFile)), _limits);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return CreateLog(kept.Label, $"{Mark}.{Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture)}"); // somebody deleted it; what it writes from now on is lost
        }
    }

    private ChildProcess Supervise(string label, string mark, ILeader leader, DateTimeOffset startedAt, LogFile file)
    {
        var pid = leader.Identity.Pid;
        var isOurs = leader is BornLeader;
        var output = new OutputTail(file, _limits, _time);
        var child = new ChildProcess(label, startedAt, new ProcessFamily(_table, leader, mark), output, _table, _time, _logger, Forget, HandOver);
        _running[pid] = child;
        if (isOurs)
        {
            Guard.Add(pid);
        }
        else
        {
            Guard.Adopt(pid, mark);
        }

        _register.Add(new ChildRecord(leader.Identity, label, Path.GetFileName(file.Path), isOurs ? null : mark));
        _orphans.Watch();
        _ = output.FollowFileAsync();
        _ = child.SuperviseAsync();
        Log.Started(_logger, label, pid, file.Path);
        if (_disposed)
        {
            // It was started while the others were being stopped.
            _ = child.StopAsync(TimeSpan.Zero);
        }

        return child;
    }

    /// <summary>Written down as nobody's while it is still in our own record, which comes first: so it is never in neither, whatever happens in between.</summary>
    private bool HandOver(ChildProcess child, string note)
    {
        var mark = child.Family.Mark;
        try
        {
            _folder.Write(new KeptChild(mark, _table.Epoch, child.Family.Leader.Identity, child.StartedAt, child.Label, Path.GetFileName(child.Output.LogFilePath), note));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.NotKept(_logger, child.Label, child.Pid, e);
            return false;
        }

        Guard.LetGo(child.Pid, mark);
        _register.LetGo(child.Pid, mark);
        _running.TryRemove(child.Pid, out _);
        Log.Kept(_logger, child.Label, child.Pid);
        return true;
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

        [LoggerMessage(2032, LogLevel.Debug, "{Label} (process {Pid}) is kept for the next gateway.")]
        public static partial void Kept(ILogger logger, string label, int pid);

        [LoggerMessage(2033, LogLevel.Warning, "{Label} (process {Pid}) cannot be kept, because it could not be written down.")]
        public static partial void NotKept(ILogger logger, string label, int pid, Exception exception);

        [LoggerMessage(2034, LogLevel.Error, "{Label} (process {Pid}), which an earlier gateway kept, could not be taken over; it is tried again at the next start.")]
        public static partial void NotAdopted(ILogger logger, string label, int pid, Exception exception);
    }
}
