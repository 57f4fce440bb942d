namespace MlxGateway.Supervision.Processes;

/// <summary>
/// The output and errors of a child: all of it in a bounded file, its last lines in memory. Lines end in <c>\n</c> or <c>\r</c>; of a progress
/// bar that rewrites its line only the newest state is kept.
/// </summary>
/// <remarks>
/// The file is looked at and not waited for: a pipe would have to be drained for ever, or the child would stand still, and would break when
/// the gateway goes away. It is looked at often while it grows and seldom while it does not.
/// </remarks>
public sealed class OutputTail
{
    private const int MaxLines = 200;
    private const int MaxCharacters = 64 * 1024;

    private static readonly TimeSpan Flooded = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Growing = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly LogFile _file;
    private readonly TimeProvider _time;
    private readonly LineSplitter _splitter = new();
    private readonly LastLines _lines = new(MaxLines, MaxCharacters);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long _flood;
    private Action<string>? _followers;

    internal OutputTail(LogFile file, LogLimits limits, TimeProvider time)
    {
        _file = file;
        _time = time;
        _flood = limits.Largest / 4;
    }

    /// <summary>The path of the log file; when it grows too large its older part is moved to the same path with <c>.1</c> behind it.</summary>
    public string LogFilePath => _file.Path;

    /// <summary>
    /// The last lines, oldest first: at most 200 and at most 64 K characters, each at most 4 KB long. They are complete once
    /// <see cref="ChildProcess.Exited"/> has completed; before that they may be up to a second old.
    /// </summary>
    public IReadOnlyList<string> Lines()
    {
        lock (_lock)
        {
            return _lines.With(_splitter.Unfinished);
        }
    }

    /// <summary>The same with what was written since the file was last looked at: for what is said of a process that is to end now, and that may have said why in its last second.</summary>
    public IReadOnlyList<string> NewestLines()
    {
        try
        {
            Read();
        }
        catch (IOException)
        {
            // Those that were read before are still here.
        }

        return Lines();
    }

    /// <summary>Calls back for every line: first for those that are still here, then for each new one as it is seen, none twice and in order.</summary>
    /// <param name="onLine">Must be quick and must not throw; it is never called by two threads at a time.</param>
    /// <returns>Dispose it to hear no more.</returns>
    public IDisposable Follow(Action<string> onLine)
    {
        lock (_lock)
        {
            foreach (var line in _lines.With(""))
            {
                onLine(line);
            }

            _followers += onLine;
        }

        return new Follower(this, onLine);
    }

    /// <summary>Looks at the file until <see cref="Finish"/>. Never throws.</summary>
    internal async Task FollowFileAsync()
    {
        var pause = Growing;
        while (!_ended.Task.IsCompleted)
        {
            try
            {
                await Task.WhenAny(Task.Delay(pause, _time), _ended.Task);
                var written = Read();
                pause = written > _flood ? Flooded : written > 0 ? Growing : pause * 2 < Quiet ? pause * 2 : Quiet;
            }
            catch (IOException)
            {
                pause = Quiet; // a disk that cannot be read now may be readable later; the child is not to suffer for it
            }
        }
    }

    /// <summary>The child is gone: reads the rest and closes the file.</summary>
    internal void Finish()
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
            {
                return;
            }

            _ended.SetResult();
            try
            {
                _ = _file.ReadNew(Split_NeedsLock, Gap_NeedsLock);
            }
            catch (IOException)
            {
                // The lines that were read before are still here.
            }

            _splitter.Finish(Add_NeedsLock);
            _file.Dispose();
        }
    }

    private long Read()
    {
        lock (_lock)
        {
            if (_ended.Task.IsCompleted)
            {
                return 0;
            }

            var written = _file.ReadNew(Split_NeedsLock, Gap_NeedsLock);
            _file.RotateIfLarge();
            return written;
        }
    }

    private void Split_NeedsLock(ReadOnlySpan<byte> bytes) => _splitter.Add(bytes, Add_NeedsLock);

    private void Gap_NeedsLock(long bytes)
    {
        _splitter.Finish(Add_NeedsLock);
        Add_NeedsLock(new OutputLine($"[{bytes} bytes of output passed over]", IsProgress: false));
    }

    private void Add_NeedsLock(OutputLine line)
    {
        _lines.Add(line);
        _followers?.Invoke(line.Text);
    }

    private sealed class Follower(OutputTail tail, Action<string> onLine) : IDisposable
    {
        private int _disposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0)
            {
                lock (tail._lock)
                {
                    tail._followers -= onLine;
                }
            }
        }
    }
}
