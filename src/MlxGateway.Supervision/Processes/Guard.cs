using System.IO.Pipes;
using System.Text;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Processes;

/// <summary>
/// The small shell process that ends all children when this gateway is gone, however it went. It is told of every group that comes and goes
/// through a pipe, and the end of that pipe is how it learns that the gateway is dead. If it dies itself, it is replaced.
/// </summary>
internal sealed partial class Guard(string mark, TimeProvider time, ILogger<Guard> logger) : IDisposable
{
    private static readonly TimeSpan Breather = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly HashSet<int> _groups = [];
    private readonly HashSet<string> _foreignMarks = [];
    private readonly HashSet<string> _letGo = [];
    private AnonymousPipeServerStream? _pipe;
    private bool _disposed;

    /// <summary>Its process id; null: it does not run now.</summary>
    public int? Pid { get; private set; }

    /// <summary>Starts it, if it does not run yet. Without one the children still run: they are only less safe, and the log says so.</summary>
    public void EnsureStarted()
    {
        lock (_lock)
        {
            if (Pid is null && !_disposed)
            {
                Start_NeedsLock();
            }
        }
    }

    public void Add(int group)
    {
        lock (_lock)
        {
            _groups.Add(group);
            Tell_NeedsLock($"add {group}");
        }
    }

    public void Remove(int group)
    {
        lock (_lock)
        {
            _groups.Remove(group);
            Tell_NeedsLock($"del {group}");
        }
    }

    /// <summary>A child that another gateway started, and that so does not carry our mark, is now ours.</summary>
    public void Adopt(int group, string mark)
    {
        lock (_lock)
        {
            _foreignMarks.Add(mark);
            Tell_NeedsLock($"with {mark}");
        }

        Add(group);
    }

    /// <summary>A child that may carry our mark is not ours any more, and is left alone.</summary>
    public void LetGo(int group, string mark)
    {
        lock (_lock)
        {
            _foreignMarks.Remove(mark);
            _letGo.Add(mark);
            Tell_NeedsLock($"less {mark}");
        }

        Remove(group);
    }

    /// <summary>Sends it home if no child is left; if one is, it does what it is there for.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (!_disposed && _groups.Count == 0)
            {
                Tell_NeedsLock("bye");
            }

            _disposed = true;
            _pipe?.Dispose();
            _pipe = null;
        }
    }

    private static string Script()
    {
        using var reader = new StreamReader(typeof(Guard).Assembly.GetManifestResourceStream("guard.sh")!);
        return reader.ReadToEnd();
    }

    private void Start_NeedsLock()
    {
        // Both ends are close-on-exec: a child that held the writing end would keep the guard waiting after our death.
        _pipe?.Dispose();
        _pipe = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        try
        {
            var environment = new Dictionary<string, string> { ["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/bin:/bin:/usr/sbin:/sbin" };
            var input = (int)_pipe.ClientSafePipeHandle.DangerousGetHandle();
            var pid = Spawner.Spawn(new SpawnRequest("/bin/sh", ["sh", "-c", Script(), "mlxgateway-guard"], environment, "/", "/dev/null", input));
            Pid = pid;
            _ = ReplaceWhenDeadAsync(pid);
        }
        catch (Exception e)
        {
            Log.NotStarted(logger, e);
        }
        finally
        {
            _pipe.DisposeLocalCopyOfClientHandle();
        }

        Tell_NeedsLock($"mark {mark}");
        foreach (var line in _groups.Select(group => $"add {group}").Concat(_foreignMarks.Select(one => $"with {one}")).Concat(_letGo.Select(one => $"less {one}")))
        {
            Tell_NeedsLock(line);
        }
    }

    private async Task ReplaceWhenDeadAsync(int pid)
    {
        var started = time.GetTimestamp();
        await ExitWait.DeathOf(pid);
        var exit = ExitWait.Reap(pid);
        if (time.GetElapsedTime(started) < Breather)
        {
            // Whatever ends it at once would do so again: do not spin.
            await Task.Delay(Breather, time);
        }

        lock (_lock)
        {
            Pid = null;
            if (!_disposed)
            {
                Log.Died(logger, exit);
                Start_NeedsLock();
            }
        }
    }

    private void Tell_NeedsLock(string line)
    {
        try
        {
            _pipe?.Write(Encoding.ASCII.GetBytes(line + "\n"));
        }
        catch (IOException)
        {
            // It is dead; its successor is told everything.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Warning, "The guard that ends the runners if the gateway is killed could not be started; they would be found at the next start.")]
        public static partial void NotStarted(ILogger logger, Exception exception);

        [LoggerMessage(2002, LogLevel.Warning, "The guard ended by itself ({Exit}); another one is started.")]
        public static partial void Died(ILogger logger, ChildExit exit);
    }
}
